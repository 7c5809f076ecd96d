"""What the records of the race say: medians, goals, and how long another side takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from harness.records import Record

from cnnlab.errors import RunError

__all__ = [
    "ENOUGH_SEEDS",
    "GOALS",
    "Goal",
    "Group",
    "Judged",
    "Reach",
    "accuracy_after",
    "front",
    "judged",
    "keras_reach",
    "one_race",
    "peer_reach",
]

_ORDER = {"cnnlab": 0, "airbench": 1}  # and the others
#: Below so many trainings no goal is said to be met.
ENOUGH_SEEDS = 5


@dataclass(frozen=True)
class Goal:
    """Top-1 on test (a share of 1) within so many seconds of training."""

    accuracy: float
    seconds: float


#: By the name that the images are known by.
GOALS = {
    "cifar10-jpeg": (Goal(0.80, 20), Goal(0.845, 60), Goal(0.88, 240), Goal(0.90, 720)),
    "fashion-mnist": (Goal(0.92, 30), Goal(0.94, 300)),
}


@dataclass(frozen=True, eq=False)
class Group:
    """The trainings of one contender, by seed."""

    side: str
    label: str
    records: list[Record]

    @property
    def n(self) -> int:
        """Trainings."""
        return len(self.records)

    @property
    def seconds(self) -> float:
        """The median."""
        return float(np.median(self.values("seconds")))

    @property
    def accuracy(self) -> float:
        """The median."""
        return float(np.median(self.values("accuracy")))

    @property
    def mean(self) -> float:
        """Of the accuracies."""
        return float(np.mean(self.values("accuracy")))

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the accuracies; None for one training."""
        return float(np.std(self.values("accuracy"), ddof=1)) if self.n > 1 else None

    def values(self, key: str) -> list[float]:
        """What every training says of ``key``; empty where one does not say it."""
        found = [record.get(key) for record in self.records]
        return [] if None in found else [float(value) for value in found if value is not None]

    def meets(self, goal: Goal) -> bool:
        """Whether both mean and median are as good, and the median time as short."""
        return min(self.accuracy, self.mean) >= goal.accuracy and self.seconds <= goal.seconds


def one_race(records: Sequence[Record]) -> list[Group]:
    """Bring the trainings of each contender together, cnnlab first, the fastest first.

    Raises :class:`RunError` where there is none, or where their times cannot be compared.
    """
    if not records:
        raise RunError("no training is recorded yet", todo="run time_to_accuracy.py first")
    for what in ("processor", "cores"):
        _check_one(what, [record["machine"][what] for record in records])
    for what in ("dataset", "threads", "test_rows", "environment"):
        _check_one(what, [record[what] for record in records])
    kinds = {(r["side"], r["label"], r["name"].rpartition("-seed")[0]) for r in records}
    labels = [(side, label) for side, label, _ in kinds]
    groups = []
    for side, label, stem in kinds:
        own = [record for record in records if record["name"].rpartition("-seed")[0] == stem]
        own.sort(key=lambda record: int(record["seed"]))
        # Other settings behind the same label: the digest in the name tells them apart.
        again = labels.count((side, label)) > 1
        shown = f"{label} ({stem.rpartition('-')[2]})" if again else label
        groups.append(Group(side, shown, own))
    return sorted(groups, key=lambda group: (_ORDER.get(group.side, 2), group.seconds))


def _check_one(what: str, values: Sequence[object]) -> None:
    different = sorted({str(value) for value in values})
    if len(different) > 1:
        raise RunError(
            f"records of several kinds of {what}: {'; '.join(different)}",
            todo="give each an --out of its own, for their times cannot be compared",
        )


@dataclass(frozen=True)
class Judged:
    """A goal and what was measured for it.

    ``group`` is the recipe that meets it in the shortest time; where none does, the fastest of
    those that are accurate enough, else the most accurate one.
    """

    goal: Goal
    group: Group
    verdict: str


def judged(groups: Sequence[Group], goals: Sequence[Goal]) -> list[Judged]:
    """Hold cnnlab's recipes against the goals; with too few seeds nothing is met."""
    recipes = [group for group in groups if group.side == "cnnlab"]
    found = []
    for goal in goals if recipes else ():
        able = [group for group in recipes if min(group.accuracy, group.mean) >= goal.accuracy]
        best = (
            min(able, key=lambda group: (not group.meets(goal), group.seconds))
            if able
            else max(recipes, key=lambda group: group.accuracy)
        )
        verdict = "pass" if best.meets(goal) else "fail"
        if best.meets(goal) and best.n < ENOUGH_SEEDS:
            verdict = f"too few seeds (n = {best.n})"
        found.append(Judged(goal, best, verdict))
    return found


@dataclass(frozen=True)
class Reach:
    """How long a side takes to an accuracy.

    Attributes
    ----------
    seconds: None where it did not get there.
    kind: measured, interpolated, "at most" (its first point is beyond it already) or never.
    """

    seconds: float | None
    kind: str

    def ratio(self, ours: float) -> float | None:
        """Their seconds over ours."""
        return None if self.seconds is None else self.seconds / ours


_NEVER = Reach(None, "never")


def front(groups: Sequence[Group], side: str = "airbench") -> list[Group]:
    """A side's contenders that none beats in both time and accuracy, the fastest first."""
    best: list[Group] = []
    of_side = [group for group in groups if group.side == side]
    for group in sorted(of_side, key=lambda group: (group.seconds, -group.accuracy)):
        if not best or group.accuracy > best[-1].accuracy:
            best.append(group)
    return best


def peer_reach(best: Sequence[Group], accuracy: float) -> tuple[Reach, Reach]:
    """The fastest of the front that is as accurate; and between two, by accuracy in log time.

    The second is never longer than the first: a size in between, had it been trained.
    """
    able = next((index for index, group in enumerate(best) if group.accuracy >= accuracy), None)
    if able is None:
        return _NEVER, _NEVER
    measured = Reach(best[able].seconds, "measured")
    if able == 0:
        return measured, Reach(measured.seconds, "at most")
    below, above = best[able - 1], best[able]
    share = (accuracy - below.accuracy) / (above.accuracy - below.accuracy)
    low, high = math.log(below.seconds), math.log(above.seconds)
    return measured, Reach(math.exp(low + share * (high - low)), "interpolated")


def _curve(group: Group) -> tuple[list[float], list[float]]:
    """Seconds and accuracies of its first training, epoch by epoch."""
    curve = group.records[0]["curve"]
    return [point["seconds"] for point in curve], [point["accuracy"] for point in curve]


def keras_reach(group: Group, accuracy: float) -> Reach:
    """When its curve first gets to an accuracy, linear between epochs."""
    seconds, accuracies = _curve(group)
    at = next((index for index, value in enumerate(accuracies) if value >= accuracy), None)
    if at is None:
        return _NEVER
    if at == 0:
        return Reach(seconds[0], "at most")
    share = (accuracy - accuracies[at - 1]) / (accuracies[at] - accuracies[at - 1])
    return Reach(seconds[at - 1] + share * (seconds[at] - seconds[at - 1]), "interpolated")


def accuracy_after(group: Group, seconds: float) -> float | None:
    """Its curve's accuracy at that time, linear between epochs; None outside of them."""
    times, accuracies = _curve(group)
    if not times[0] <= seconds <= times[-1]:
        return None
    return float(np.interp(seconds, times, accuracies))
