"""Numbers as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnlab import tables
from cnnlab.metrics.scores import Scores
from cnnlab.metrics.seeds import SeedSummary
from cnnlab.metrics.statistics import Interval, wilson_interval
from cnnlab.settings import flattened, setting_text

__all__ = [
    "ABSENT",
    "accuracy_in_full",
    "bytes_text",
    "count",
    "decimal",
    "duration",
    "enumeration",
    "flattened",
    "interval_text",
    "mean_in_full",
    "percent",
    "plural",
    "points",
    "scaled",
    "setting_text",
    "share_in_full",
]

#: What stands where a record has nothing.
ABSENT = "-"

_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def percent(share: float | None, decimals: int = 2) -> str:
    """0.78654 -> "78.65%"; what rounds to nothing has no sign."""
    return ABSENT if share is None else f"{round(100 * share, decimals) + 0.0:.{decimals}f}%"


def interval_text(interval: Interval, decimals: int = 2) -> str:
    """An interval of shares: "77.84% to 79.44%"."""
    return f"{percent(interval.low, decimals)} to {percent(interval.high, decimals)}"


def points(difference: float | None) -> str:
    """A difference of shares as points with its sign: 0.0123 -> "+1.23"."""
    return ABSENT if difference is None else f"{100 * difference:+.2f}"


def share_in_full(share: float, n: int) -> str:
    """A share of ``n`` images: "78.65% (95% interval 77.84% to 79.44%, n = 10,000)"."""
    interval = wilson_interval(round(share * n), n)
    return f"{percent(share)} (95% interval {interval_text(interval)}, n = {n:,})"


def accuracy_in_full(scores: Scores) -> str:
    """Top-1 accuracy with what it rests on."""
    return share_in_full(scores.top1, scores.n)


def mean_in_full(found: SeedSummary, of: int) -> str:
    """A mean over seeds with its spread: "77.40% ± 0.35 over 5 seeds (95% interval 76.97% ...)".

    ``of``: how many seeds there are, of which ``found`` may know fewer.
    """
    seeds = f"{of} seeds" if found.n == of else f"{found.n} of {of} seeds"
    if found.deviation is None or found.interval is None:
        return f"{percent(found.mean)} ({seeds})"
    return (
        f"{percent(found.mean)} ± {100 * found.deviation:.2f} over {seeds} (95% interval "
        f"{interval_text(found.interval)})"
    )


def decimal(value: float | None, decimals: int = 4) -> str:
    """A number with so many decimals."""
    return ABSENT if value is None or not math.isfinite(value) else f"{value:.{decimals}f}"


def count(value: int | None) -> str:
    """1234567 -> "1,234,567"."""
    return ABSENT if value is None else f"{value:,}"


def scaled(value: float, unit: str) -> str:
    """81234567 -> "81.2 MFLOPs" for the unit "FLOPs"."""
    for size, prefix in _SCALES:
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:g} {unit}"


def bytes_text(value: float | None) -> str:
    """Bytes in units of 1,024: "1.5 GiB"."""
    return ABSENT if value is None else tables.bytes_text(value)


def duration(seconds: float | None) -> str:
    """Seconds as "4.2 s", "3 min 20 s" or "2 h 5 min"."""
    if seconds is None:
        return ABSENT
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds) // 60
    if minutes < 60:
        return f"{minutes} min {round(seconds) % 60} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(number: int, word: str) -> str:
    """1, "epoch" -> "1 epoch"; 2 -> "2 epochs"."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def enumeration(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ABSENT
