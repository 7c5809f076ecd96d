"""How much more evidence a difference would take, if it is what was observed."""

from __future__ import annotations

import math
from statistics import NormalDist

from cnnlab.errors import InputError

__all__ = ["LEVEL", "images_needed", "paired_power", "seeds_needed", "two_sample_power"]

#: A difference is called one below this p-value; and how often one is to be found.
LEVEL, POWER = 0.05, 0.80
#: More is said as "more than so many": nobody trains them.
MOST_SEEDS = 100_000
#: A standardised difference beyond which two trainings show it, at any level that is asked for.
_CERTAIN = 1e6
#: Beyond so many standard errors the far tail is below 3e-7, and SciPy's may be no number.
_ONE_TAIL = 5.0


def images_needed(difference: float, discordant: float, *, level: float = LEVEL) -> int | None:
    """Images at which McNemar's test finds a difference four times in five, at ``level``.

    ``difference`` of two accuracies, and the share ``discordant`` of images on which just one of
    the two is right (Connor, 1987). None for no difference, which no number of images shows.
    """
    if not 0 <= abs(difference) <= discordant <= 1:
        raise InputError(
            f"a difference of {difference} with {discordant} discordant",
            expected="a share of images, at least as large as the difference",
        )
    if difference == 0:
        return None
    z_level, z_power = (NormalDist().inv_cdf(p) for p in (1 - level / 2, POWER))
    spread = math.sqrt(discordant - difference**2)
    return math.ceil(((z_level * math.sqrt(discordant) + z_power * spread) / difference) ** 2)


def two_sample_power(effect: float, n: int, level: float = LEVEL) -> float:
    """The chance that a t test with ``n`` trainings a side finds a difference, at ``level``.

    ``effect`` is the difference in standard deviations of one training.
    """
    return _power(abs(effect) * math.sqrt(n / 2), 2 * n - 2, level)


def paired_power(effect: float, n: int, level: float = LEVEL) -> float:
    """The same of a paired t test; ``effect`` in standard deviations of a pair's difference."""
    return _power(abs(effect) * math.sqrt(n), n - 1, level)


def _power(shift: float, freedom: int, level: float) -> float:
    """How often |t| exceeds its limit where the noncentral t distribution lies at ``shift``."""
    from scipy.special import nctdtr, stdtrit

    limit = float(stdtrit(freedom, 1 - level / 2))
    far = nctdtr(freedom, shift, -limit) if shift < _ONE_TAIL else 0.0
    return float(1 - nctdtr(freedom, shift, limit) + far)


def seeds_needed(
    difference: float, deviation: float, *, paired: bool, level: float = LEVEL
) -> int | None:
    """Trainings a side at which a t test finds a difference four times in five, at ``level``.

    ``deviation``: of a pair's difference where ``paired``, else of one training. At least 2;
    None for no difference, or where it would take more than 100,000.
    """
    if difference == 0:
        return None
    effect = abs(difference) / deviation if deviation > 0 else math.inf
    if effect > _CERTAIN:
        return 2
    power = paired_power if paired else two_sample_power
    z_sum = sum(NormalDist().inv_cdf(p) for p in (1 - level / 2, POWER))
    # The normal distribution asks for fewer than t does: from there it goes up.
    count = max(2, math.ceil((1 if paired else 2) * (z_sum / effect) ** 2))
    while count <= MOST_SEEDS and power(effect, count, level) < POWER:
        count += 1
    return count if count <= MOST_SEEDS else None
