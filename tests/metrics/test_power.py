"""Numbers of seeds and images against statsmodels and the test's own power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from statsmodels.stats.power import TTestIndPower, TTestPower

from cnnlab.errors import InputError
from cnnlab.metrics.power import images_needed, paired_power, seeds_needed, two_sample_power


@pytest.mark.parametrize("effect", [0.3, 0.8, 1.5, 2.0])
@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_power_agrees_with_statsmodels(effect: float, n: int) -> None:
    two = TTestIndPower().power(effect, n, 0.05, 1.0)
    assert two_sample_power(effect, n) == pytest.approx(two, abs=1e-6)
    one = TTestPower().power(effect, n, 0.05)
    assert paired_power(effect, n) == pytest.approx(one, abs=1e-6)


@pytest.mark.parametrize("effect", [0.05, 0.3, 0.8, 1.5, 4.0, 15.0])
@pytest.mark.parametrize("paired", [True, False])
def test_seeds_are_the_first_number_with_enough_power(effect: float, paired: bool) -> None:
    power = paired_power if paired else two_sample_power
    needed = seeds_needed(0.01 * effect, 0.01, paired=paired)
    assert needed is not None
    assert power(effect, needed) >= 0.8
    assert needed == 2 or power(effect, needed - 1) < 0.8


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("level", [0.05, 0.05 / 3, 0.05 / 45])
def test_seeds_are_the_first_number_at_any_level_and_effect(level: float, paired: bool) -> None:
    power = paired_power if paired else two_sample_power
    for effect in (5.0, 8.0, 11.0, 15.0, 23.4, 50.0, 200.0, 1e4):
        needed = seeds_needed(effect, 1.0, paired=paired, level=level)
        assert needed is not None
        assert power(effect, needed, level) >= 0.8
        assert needed == 2 or power(effect, needed - 1, level) < 0.8
    assert seeds_needed(23.4, 1.0, paired=True, level=0.05 / 3) == 3


def test_no_difference_and_no_spread() -> None:
    assert seeds_needed(0.0, 0.01, paired=True) is None
    assert seeds_needed(1e-9, 0.01, paired=True) is None
    assert seeds_needed(0.01, 0.0, paired=False) == 2 == seeds_needed(1, 0.01, paired=True)
    assert images_needed(0.0, 0.2) is None


@pytest.mark.parametrize(("p_a", "p_b"), [(0.12, 0.08), (0.06, 0.03)])
def test_as_many_images_give_the_exact_test_about_that_power(p_a: float, p_b: float) -> None:
    n = images_needed(p_a - p_b, p_a + p_b)
    assert n is not None
    # Of all counts of discordant images: how often is the exact test below 0.05?
    power = 0.0
    for discordant in range(1, 3 * round(n * (p_a + p_b))):
        chance = binom.pmf(discordant, n, p_a + p_b)
        if chance > 1e-6:
            critical = next(
                k for k in range(discordant // 2 + 1) if binomtest(k, discordant).pvalue > 0.05
            )
            wins = np.arange(critical)
            share = p_b / (p_a + p_b)
            power += chance * (binom.pmf(wins, discordant, share).sum()
                               + binom.pmf(wins, discordant, 1 - share).sum())  # fmt: skip
    assert 0.76 < power < 0.84


def test_more_difference_than_disagreement_is_refused() -> None:
    with pytest.raises(InputError, match="expected a share of images"):
        images_needed(0.3, 0.2)
