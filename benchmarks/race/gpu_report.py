"""What the records of ``gpu.py`` show: the race beside airbench's script, and model F's epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from harness.records import Record
from harness.sessions import Section, Spread, document_of
from versus_keras.statistics import Measure

from cnnlab.reports.document import Document, Paragraph, Table
from cnnlab.reports.wording import ABSENT

__all__ = ["ENOUGH_RUNS", "Race", "build_document"]

#: The goals: mean accuracy at most so far below the script's (a share of 1: a tenth of a point),
#: in at most this share of its time. Below so many runs no goal is said to be met.
MARGIN, TIME_SHARE, ENOUGH_RUNS = 0.001, 0.9, 20

_CLOCKS = {"seconds": "", "whole_seconds": " on the longer clock"}
_VIEWS = {"accuracy": "one view", "accuracy_tta": "averaged over views"}


@dataclass(frozen=True, eq=False)
class Race:
    """The blocks of both sides."""

    ours: list[Record]
    theirs: list[Record]

    @classmethod
    def of(cls, records: Sequence[Record]) -> Race:
        """Divide a session's records; either side may have none."""
        sides: dict[bool, list[Record]] = {True: [], False: []}
        for record in records:
            sides[record["side"] == "cnnlab"].append(record)
        return cls(sides[True], sides[False])

    @property
    def n(self) -> int:
        """Runs of the side that has fewer."""
        return min(len(values(side, "seconds")) for side in (self.ours, self.theirs))

    def measure(self, key: str) -> Measure | None:
        """The accuracies of both sides; None where a side has none."""
        sides = [values(side, key) for side in (self.ours, self.theirs)]
        return Measure(key, *sides) if all(sides) else None

    def time_share(self, clock: str) -> float:
        """The mean of our seconds over that of theirs."""
        return mean(values(self.ours, clock)) / mean(values(self.theirs, clock))

    def time_shares(self, clock: str) -> Spread:
        """The same, block by block."""
        theirs = {record["block"]: mean(values([record], clock)) for record in self.theirs}
        return Spread.of(
            [
                mean(values([record], clock)) / theirs[record["block"]]
                for record in self.ours
                if record["block"] in theirs
            ]
        )

    def verdict(self, met: bool) -> str:
        """Of a goal; with too few runs none is met."""
        if met and self.n < ENOUGH_RUNS:
            return f"too few runs (n = {self.n})"
        return "pass" if met else "fail"


def values(blocks: Sequence[Record], key: str) -> list[float]:
    """What every run of these blocks says of ``key``; empty where one does not say it."""
    found = [run[key] for record in blocks for run in record["runs"]]
    return [] if None in found else [float(value) for value in found]


def build_document(records: Sequence[Record]) -> Document:
    """The tables of these records, which may be of two sessions."""
    return document_of(
        "On a GPU",
        "How fast is cnnlab there, beside cifar10-airbench and beside a processor?",
        "gpu.py",
        [
            _race_section([record for record in records if record["kind"] == "race"]),
            _pace_section([record for record in records if record["kind"] == "pace"]),
        ],
    )


def _race_section(records: Sequence[Record]) -> Section:
    race = Race.of(records)
    heading = "Beside cifar10-airbench"
    if not (race.ours and race.theirs):
        return Section(heading, [], [])
    first = race.ours[0]
    explained = Paragraph(
        f"Both sides train on the same {first['trained_on']:,} images of {first['dataset']} and "
        f"are judged on the same {first['n_test']:,} test images. They take turns in blocks; a "
        "block is a process that trains once to warm up, which does not count. The script runs as "
        "it is but for where its images come from and for what its name may say of compiling. "
        "Seconds are what the script counts on both sides, whitening and all steps. The longer "
        "clock runs from the pixels in memory to the last weights, without evaluation; cnnlab's "
        "takes in the drawing of the split, the building of the network and all that is written."
    )
    sides = [side for side in (race.ours, race.theirs) if side]
    table = Table.of(
        (
            "side",
            "contender",
            "precision",
            "parameters",
            "n",
            "seconds, mean",
            "least to most",
            "on the longer clock, mean",
            "accuracy, one view (%)",
            "averaged over views (%)",
        ),
        [_side_row(side) for side in sides],
        "Mean ± standard deviation over n runs. Averaged over views: over an image and its mirror "
        "image where cnnlab's recipe does so, over six views by the script.",
        text_columns=(0, 1, 2),
    )
    return Section(heading, records, [explained, table, _goals(race)])


def _side_row(blocks: Sequence[Record]) -> tuple[str, ...]:
    first, seconds = blocks[0], values(blocks, "seconds")
    return (
        first["side"],
        first["label"],
        first["precision"],
        f"{first['parameters']:,}",
        str(len(seconds)),
        _mean_text(seconds),
        f"{min(seconds):.2f} to {max(seconds):.2f}",
        _mean_text(values(blocks, "whole_seconds")),
        *(_mean_text([100 * value for value in values(blocks, key)]) for key in _VIEWS),
    )


def _mean_text(numbers: Sequence[float]) -> str:
    if not numbers:
        return ABSENT
    deviation = f" ± {stdev(numbers):.2f}" if len(numbers) > 1 else ""
    return f"{mean(numbers):.2f}{deviation}"


def _goals(race: Race) -> Table:
    rows = [
        _accuracy_goal(race, measure, views)
        for key, views in _VIEWS.items()
        if (measure := race.measure(key)) is not None
    ]
    rows += [_time_goal(race, clock, words) for clock, words in _CLOCKS.items()]
    return Table.of(
        ("goal", "verdict", "measured", "interval or spread"),
        rows,
        "The difference of the mean accuracies with Welch's 95% interval, and the ratio of the "
        f"mean seconds with its least and largest over the blocks. With fewer than {ENOUGH_RUNS} "
        "runs a side no goal is met.",
        text_columns=(0, 1),
    )


def _accuracy_goal(race: Race, measure: Measure, views: str) -> tuple[str, ...]:
    interval = ABSENT
    if measure.difference is not None:
        low, high = (100 * end for end in measure.difference.interval())
        interval = f"{low:+.2f} to {high:+.2f} points"
    return (
        f"mean accuracy, {views}, at most {100 * MARGIN:.1f} points below the script's",
        race.verdict(measure.apart >= -MARGIN),
        f"{100 * measure.apart:+.2f} points",
        interval,
    )


def _time_goal(race: Race, clock: str, words: str) -> tuple[str, ...]:
    share, (_, between) = race.time_share(clock), race.time_shares(clock).cells(".2f")
    return (
        f"mean seconds{words} at most {TIME_SHARE} times the script's",
        race.verdict(share <= TIME_SHARE),
        f"{share:.2f} times",
        f"{between} by block",
    )


def _pace_section(records: Sequence[Record]) -> Section:
    sides = {
        side: {int(r["round"]): r for r in records if r["side"] == side}
        for side in dict.fromkeys(record["side"] for record in records)
    }
    if len(sides) < 2:  # cut off before the GPU's turn: a processor beside nothing
        return Section("Model F, an epoch", [], [])
    table = Table.of(
        (
            "model F on the",
            "device",
            "precision",
            "compiled",
            "batch",
            "seconds an epoch, median",
            "least to most",
            "the processor takes so many times as long, median",
            "least to most",
            "rounds",
        ),
        [_pace_row(rounds, sides["processor"]) for rounds in sides.values()],
        "An epoch's seconds are the mean step's times its number of steps, after a few steps to "
        "warm up. A ratio is of two measurements of the same round.",
        text_columns=(0, 1, 2, 3),
    )
    return Section("Model F, an epoch", records, [table])


def _pace_row(own: dict[int, Record], processor: dict[int, Record]) -> tuple[str, ...]:
    first = next(iter(own.values()))
    ratios = [
        processor[number]["epoch_seconds"] / record["epoch_seconds"]
        for number, record in own.items()
        if number in processor
    ]
    compared = Spread.of(ratios).cells(".1f") if own is not processor else (ABSENT, ABSENT)
    return (
        first["side"],
        first["device"],
        first["precision"],
        first["compile"],
        str(first["batch_size"]),
        *Spread.of([record["epoch_seconds"] for record in own.values()]).cells(".2f"),
        *compared,
        str(len(own)),
    )
