"""A report on the race, and its goals in lines, from the raw records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from harness.records import RACES, Record, read_records
from versus_keras.sections import versions_text

from cnnlab.files import write_bytes, write_text
from cnnlab.reports.document import Block, Code, Document, Figure, Heading, Note, Paragraph, Table
from cnnlab.reports.markdown import figure_files, render_markdown
from cnnlab.reports.wording import ABSENT, bytes_text, duration, enumeration, percent, plural
from race.figure import race_figure
from race.statistics import (
    ENOUGH_SEEDS,
    GOALS,
    Goal,
    Group,
    Reach,
    accuracy_after,
    front,
    judged,
    keras_reach,
    one_race,
    peer_reach,
)

__all__ = ["build_document", "goal_lines", "write_report"]

_SEEDS = re.compile(r"--seeds \d+ --first-seed \d+")
_THEIR_SEEDS = "--seeds N --first-seed M"


def write_report(folder: Path, target: Path) -> None:
    """Write the Markdown file ``target`` and its figure beside it from the records in ``folder``.

    Raises ``RunError`` where there are none, or where they cannot be compared.
    """
    document = build_document(read_records(folder / RACES))
    for name, content in figure_files(document).items():
        write_bytes(target.parent / name, content)
    write_text(target, render_markdown(document))


def _goals(records: Sequence[Record]) -> Sequence[Goal]:
    return GOALS.get(records[0]["data"], ())


def goal_lines(records: Sequence[Record]) -> list[str]:
    """One line a goal of these images: pass, fail or too few seeds, with what was measured."""
    return [
        f"{percent(found.goal.accuracy, 1)} within {duration(found.goal.seconds)}: "
        f"{found.verdict}; {found.group.label}: {percent(found.group.accuracy)} in "
        f"{found.group.seconds:.1f} s (medians, n = {found.group.n})"
        for found in judged(one_race(records), _goals(records))
    ]


def build_document(records: Sequence[Record]) -> Document:
    """Say what the records hold."""
    groups = one_race(records)
    return Document(
        title=f"Time to accuracy on {records[0]['dataset']}",
        subtitle="How long training takes, here and elsewhere",
        blocks=(
            *_what_is_measured(records),
            *_goal_blocks(groups, records),
            *_results(groups, records),
            *_airbench(groups),
            *_keras(groups),
            Heading("Commands"),
            Code("\n".join(_commands(records))),
        ),
        footer="Written by benchmarks/time_to_accuracy.py --report from its records.",
    )


def _commands(records: Sequence[Record]) -> list[str]:
    """The commands; those that differ in their seeds alone are one."""
    seeds: dict[str, set[int]] = {}
    for record in records:
        shape = _SEEDS.sub(_THEIR_SEEDS, record["command"])
        seeds.setdefault(shape, set()).add(int(record["seed"]))
    return [
        shape.replace(_THEIR_SEEDS, f"--seeds {max(of) - min(of) + 1} --first-seed {min(of)}")
        for shape, of in seeds.items()
    ]


def _what_is_measured(records: Sequence[Record]) -> Iterable[Block]:
    first = records[0]
    machine, tests = first["machine"], first["n_test"]
    variables = ", ".join(f"{name}={value}" for name, value in first["environment"].items())
    yield Heading("What is measured")
    yield Paragraph(
        f"Top-1 on all {tests:,} test images, one view of each, and the seconds from the decoded "
        "pixels to the last weights. On the clock: building the network, whitening from images, "
        "augmentation, every step, and what is written meanwhile. Off it: starting the process, "
        "imports, decoding files and reading them into memory, and all evaluation, that on "
        "validation images after an epoch too. cnnlab's clock runs from the call of train to its "
        "return, which opens the cached images, draws the split and writes the run directory; "
        "airbench's from before its network is built to its last step, which takes in the "
        "conversion of the pixels, and Keras's likewise."
    )
    yield Paragraph(
        f"Every training has a process of its own with {plural(first['threads'], 'thread')}, one "
        f"at a time, all sides of a seed before the next seed. {machine['processor']}, "
        f"{plural(machine['cores'], 'core')}, {bytes_text(machine['memory_bytes'])} of memory; "
        f"{versions_text(records)}; "
        f"{variables or 'no variable of malloc or of the threads set'}. The load before a training "
        f"was {max(record['load_before'] for record in records):.2f} at most, which the training "
        "before it is part of."
    )
    revisions = sorted({str(record["machine"]["source_revision"]) for record in records})
    if len(revisions) > 1:
        yield Note(f"The records are of several revisions of cnnlab: {enumeration(revisions)}.")


def _goal_blocks(groups: Sequence[Group], records: Sequence[Record]) -> Iterable[Block]:
    rows = [
        (
            f"{percent(found.goal.accuracy, 1)} in {duration(found.goal.seconds)}",
            found.verdict,
            found.group.label,
            duration(found.group.seconds),
            percent(found.group.accuracy),
            percent(found.group.mean),
            str(found.group.n),
        )
        for found in judged(groups, _goals(records))
    ]
    if rows:
        yield Heading("Goals")
        yield Table.of(
            ("goal", "verdict", "recipe", "seconds, median", "median (%)", "mean (%)", "n"),
            rows,
            "A goal is met where both mean and median accuracy reach it, the median time is as "
            f"short, and n is at least {ENOUGH_SEEDS}.",
            text_columns=(0, 1, 2),
        )


def _results(groups: Sequence[Group], records: Sequence[Record]) -> Iterable[Block]:
    yield Heading("Every side")
    yield Table.of(
        (
            "side",
            "contender",
            "n",
            "images",
            "parameters",
            "seconds, median",
            "lowest to highest",
            "by its own clock",
            "accuracy, median",
            "mean ± deviation",
            "with its averaging over views",
        ),
        [_row(group) for group in groups],
        "Medians, and mean ± standard deviation, over the seeds. By its own clock: what cnnlab "
        "and airbench's script themselves call their training time, steps (and whitening) without "
        "what comes before; it counts nowhere else. The last column is the mean "
        "accuracy of the same weights where the recipe averages over an image's mirror image "
        "(cnnlab), or over six views (airbench); it counts nowhere else.",
        text_columns=(0, 1),
    )
    yield Figure(
        name=f"time-to-accuracy-{Path(groups[0].records[0]['data']).stem}",
        svg=race_figure(groups, _goals(records)).svg(),
        alt="Test accuracy of every training against its seconds, with the goals",
        caption="Every training (pale), medians (full) and goals: a recipe meets a goal left of "
        "it and above. The line joins airbench's sizes that no other beats.",
    )


def _row(group: Group) -> tuple[str, ...]:
    seconds, own = group.values("seconds"), group.values("own_seconds")
    views = group.values("accuracy_tta")
    deviation = "" if group.deviation is None else f" ± {100 * group.deviation:.2f}"
    first = group.records[0]
    return (
        group.side,
        group.label,
        str(group.n),
        f"{first['trained_on']:,}",
        f"{first['parameters']:,}",
        f"{group.seconds:.1f}",
        f"{min(seconds):.1f} to {max(seconds):.1f}",
        f"{median(own):.1f}" if own else ABSENT,
        percent(group.accuracy),
        f"{100 * group.mean:.2f}{deviation}",
        percent(sum(views) / len(views)) if views else ABSENT,
    )


def _reach_cells(reach: Reach, ours: float) -> tuple[str, str]:
    ratio = reach.ratio(ours)
    if reach.seconds is None or ratio is None:
        return "not reached", ABSENT
    mark = "at most " if reach.kind == "at most" else ""
    return f"{mark}{reach.seconds:.1f}", f"{mark}{ratio:.2f}"


def _airbench(groups: Sequence[Group]) -> Iterable[Block]:
    best = front(groups)
    if not best:
        return
    rows = []
    for group in (group for group in groups if group.side == "cnnlab"):
        measured, between = peer_reach(best, group.accuracy)
        cells = (*_reach_cells(measured, group.seconds), *_reach_cells(between, group.seconds))
        rows.append((group.label, percent(group.accuracy), f"{group.seconds:.1f}", *cells))
    top = best[-1]
    yield Heading("Beside cifar10-airbench")
    yield Table.of(
        ("recipe", "accuracy", "seconds", "airbench, measured", "ratio", "interpolated", "ratio"),
        rows,
        "Seconds that airbench takes to at least the recipe's median accuracy, over the recipe's. "
        "Measured: by the fastest of its sizes that gets there. Interpolated: by a size between "
        "that and the next faster one, linear in accuracy over the logarithm of time. At most: "
        f"its fastest size is more accurate already. Its best: {percent(top.accuracy)} in "
        f"{top.seconds:.1f} s ({top.label}).",
    )


def _keras(groups: Sequence[Group]) -> Iterable[Block]:
    for curve in (group for group in groups if group.side.startswith("keras")):
        points = curve.records[0]["curve"]
        rows = []
        for group in (group for group in groups if group.side == "cnnlab"):
            reach = keras_reach(curve, group.accuracy)
            then = accuracy_after(curve, group.seconds)
            early = group.seconds < points[0]["seconds"]
            there = percent(then) if then is not None else "no epoch yet" if early else "ended"
            cells = (*_reach_cells(reach, group.seconds), there)
            rows.append((group.label, percent(group.accuracy), f"{group.seconds:.1f}", *cells))
        yield Heading(f"Beside {curve.side}")
        yield Table.of(
            ("recipe", "accuracy", "seconds", "Keras's seconds", "ratio", "Keras's accuracy then"),
            rows,
            f"Seconds that Keras takes to the recipe's median accuracy with {curve.label} and the "
            "report's settings, linear between epochs, and its accuracy after the recipe's "
            f"seconds. One training of {len(points)} epochs, {points[-1]['seconds']:.1f} s; its "
            f"first epoch took {points[0]['seconds']:.1f} s, its best reached "
            f"{percent(max(point['accuracy'] for point in points))}. Not reached: not in these.",
        )
