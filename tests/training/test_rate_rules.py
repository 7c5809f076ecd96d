"""The rules that read a rate from a curve, on curves whose answer is known."""

import numpy as np
import pytest

from cnnlab.training.rate_rules import RULES, SUGGESTION, Smoother, foot, noise_hides, smooth

RATES = np.geomspace(1e-6, 1e2, 81)  # ten steps a decade


def ramp(start=-3.0, lowest=-1.0, high=2.0, low=1.0):
    """A level, a straight fall over the logarithm of the rate, a straight rise."""
    return np.interp(np.log10(RATES), [-6, start, lowest, 2], [high, high, low, 3.0])


def valley_of_fastai(rates, losses):
    """fastai's own double loop over the longest falling subsequence."""
    lengths, start, end = [1] * len(losses), 0, 0
    for i in range(1, len(losses)):
        for j in range(i):
            if losses[i] < losses[j] and lengths[i] < lengths[j] + 1:
                lengths[i] = lengths[j] + 1
            if lengths[end] < lengths[i]:
                end = i
                start = end - lengths[end]
    third = (end - start) / 3
    return rates[start + int(third) + int(third / 2)]


def test_the_foot_is_where_four_fifths_of_the_fall_are_done():
    # 2 to 1 over two decades from 1e-3 on: four fifths are 1.6 decades, 10 ** -1.4.
    assert foot(RATES, ramp() + 1e-9 * RATES) == pytest.approx(10**-1.4)
    assert foot(RATES, 10 * ramp() + 5) == pytest.approx(10**-1.4)


def test_the_foot_is_the_last_way_down():
    curve = ramp()
    curve[20] = 1.05  # one lucky batch, at 1e-4
    assert foot(RATES, curve) == pytest.approx(10**-1.4)


def test_where_the_bottom_is_wide_the_foot_is_at_its_near_end():
    flat = np.interp(np.log10(RATES), [-6, -3, -2, 1, 2], [2.0, 2.0, 1.001, 1.0, 3.0])
    assert foot(RATES, flat) == pytest.approx(10**-2.1)  # the first step below 1.2
    # A tenth of the lowest is nine tenths of a plateau higher up.
    assert RULES["minimum"].find(RATES, flat) == pytest.approx(1.0)


def test_minimum_and_steepest():
    curve = ramp()
    curve[45] -= 0.3  # a step down at 10 ** -1.5
    curve[46:51] -= 0.3
    assert RULES["minimum"].find(RATES, curve) == pytest.approx(0.01)
    assert RULES["steep"].find(RATES, curve) == pytest.approx(10**-1.6)


def test_steepest_is_not_where_a_blown_up_loss_comes_back():
    curve = ramp()
    curve[70:] = [90, 80, 9, 8, 7, 6, 5, 4, 3, 2, 2]
    rate = RULES["steep"].find(RATES, curve)
    assert 1e-3 <= rate <= 1e-1


def test_the_valley_is_fastai_s():
    noise = np.random.default_rng(0)
    for _ in range(20):
        curve = ramp() + noise.normal(0, 0.1, len(RATES))
        assert RULES["valley"].find(RATES, curve) == valley_of_fastai(RATES, curve)


@pytest.mark.parametrize("name", RULES)
def test_a_loss_that_only_rises_has_no_rate(name):
    assert RULES[name].find(RATES, np.linspace(1, 2, len(RATES))) is None


@pytest.mark.parametrize("name", RULES)
def test_a_level_loss_has_no_rate(name):
    assert RULES[name].find(RATES, np.full(len(RATES), 2.0)) is None


def test_the_suggestion_is_one_of_the_rules():
    assert SUGGESTION in RULES


def test_the_moving_average_begins_without_bias_and_forgets():
    smoother = Smoother(200)  # keeps nine tenths
    assert smoother.add(2.0) == pytest.approx(2.0)
    assert smoother.add(4.0) == pytest.approx((0.9 * 2 + 4) / 1.9)
    for _ in range(300):
        last = smoother.add(7.0)
    assert last == pytest.approx(7.0)


def test_smoothing_keeps_levels_and_places_and_takes_noise_away():
    assert smooth(np.full(50, 3.0), 50) == pytest.approx(3.0)
    curve = ramp()
    smoothed = smooth(curve, len(curve))
    assert foot(RATES, smoothed) == pytest.approx(10**-1.4, rel=0.3)
    assert abs(int(smoothed.argmin()) - int(curve.argmin())) <= 1
    noise = np.random.default_rng(1).normal(0, 1, 1000)
    width = 0.03 * 1000
    expected = 1 / np.sqrt(2 * np.sqrt(np.pi) * width)
    assert smooth(noise, 1000).std() == pytest.approx(expected, rel=0.3)


def test_the_same_curve_in_more_steps_gives_the_same_rate():
    found = []
    for steps in (60, 600):
        rates = np.geomspace(1e-6, 1e2, steps)
        curve = np.interp(np.log10(rates), [-6, -3, -1, 2], [2.0, 2.0, 1.0, 3.0])
        found.append(foot(rates, smooth(curve, steps)))
    assert found[0] == pytest.approx(found[1], rel=0.25)


def test_noise_that_hides_the_fall_is_seen():
    noise = np.random.default_rng(2).normal(0, 1, len(RATES))
    for size, hidden in ((0.05, False), (3.0, True)):
        losses = ramp() + size * noise
        assert noise_hides(losses, smooth(losses, len(RATES)), len(RATES)) is hidden
