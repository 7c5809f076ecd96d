"""Do cnnlab's intervals hold what they promise, and do its tests err as seldom as they say?

Experiments are drawn from known truths, cnnlab's own functions are asked, and how often they were
right is counted; a line of OUT/intervals.jsonl for each case of ``simulations/cases.py``::

    python benchmarks/intervals.py --out OUT
    python benchmarks/intervals.py --out OUT --report FILE.md

What is recorded already, with as many experiments, is not simulated again; ``--only SECTION``
takes one section's cases, and experiments of several seeds are counted together, so that several
processes can share the work.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from harness.command import run_command
from harness.records import Record, read_records
from simulations.cases import (
    ABOUT_95,
    ABOUT_POWER,
    AT_LEAST_95,
    AT_MOST_5,
    CASES,
    Case,
)
from simulations.experiments import MACRO_RESAMPLES

from cnnlab.errors import RunError
from cnnlab.files import append_line, write_text
from cnnlab.metrics.paired import FEWEST_DISCORDANT
from cnnlab.reports.document import Block, Code, Document, Heading, ItemList, Paragraph, Table
from cnnlab.reports.markdown import render_markdown

__all__ = ["build_document", "main", "verdict"]

_FILE = "intervals.jsonl"
_SECTIONS = {
    "shares": (
        "One accuracy",
        "Right answers are drawn from a binomial distribution. Wilson's interval is that of "
        "top-1, Clopper and Pearson's that of a class's precision and recall.",
    ),
    "classes": (
        "Means over classes",
        "Images are drawn from the confusion matrix of the report's model F on test (or of a "
        f"network that is right on 98%), whose own scores are the truth; {MACRO_RESAMPLES:,} "
        "resamples, of which cnnlab draws 4,000.",
    ),
    "pairs": (
        "The difference of two networks on the same images",
        "Each image is right in only one of the two with the shares stated. compare gives the "
        "paired bootstrap's interval from 25 images on that only one gets right, and the score "
        "interval below.",
    ),
    "tests": (
        "Tests on the same images",
        "How often a test speaks. Without a difference, or with one exactly on the margin of "
        "equivalence, every time is an error; with as many images as cnnlab says are needed, it "
        "should speak four times in five.",
    ),
    "seeds": (
        "Intervals over seeds",
        "Accuracies of trainings are drawn from a normal distribution, or a skewed one "
        "(one minus an exponential: now and then a seed does much worse).",
    ),
    "power": (
        "As many seeds as said",
        "Trainings with a true difference, as many as cnnlab says are needed to find it four "
        "times in five.",
    ),
}

#: What cnnlab does, or a reader should, where a method misses; by how its name begins.
_THERE = {
    "Wilson": "Counts of so few images jump from one interval to the next. For a class, where few "
    "images are the rule, cnnlab gives Clopper and Pearson's.",
    "BCa": "With that few images a class, or that few mistakes, take it as a rough one.",
    "paired bootstrap": "Without an image on which just one of the two is right it has no width. "
    f"compare does not give it there: below {FEWEST_DISCORDANT} such images it gives the score "
    "interval.",
    "score (Tango)": f"compare gives the bootstrap's from {FEWEST_DISCORDANT} differing images on.",
    "what compare gives": "There the counts of differing images are small whole numbers.",
    "t interval": "Where now and then a seed does much worse, accuracies are not normal and the "
    "interval lies too high: look at the accuracies of the seeds, which train --seeds lists.",
    "Welch": "With three seeds a side it allows for more than there is, which is the safe side.",
    "chance of improvement": "Below five seeds a side it is widened by Student's t: without that "
    "it held in 90% for two equal recipes. Of three seeds a side it says next to nothing.",
}


def verdict(record: Record) -> str:
    """Whether a case reaches its goal, allowing two standard errors of the simulation."""
    share, goal = record["share"], record["goal"]
    slack = 2 * math.sqrt(max(share * (1 - share), 1e-4) / record["experiments"])
    if goal == ABOUT_95:
        held = 0.94 - slack <= share <= 0.96 + slack
        return "yes" if held else "too wide" if share > 0.95 else "too narrow"
    if goal == AT_LEAST_95:
        return "yes" if share >= 0.95 - slack else "no"
    if goal == AT_MOST_5:
        return "yes" if share <= 0.05 + slack else "no"
    if goal == ABOUT_POWER:
        return "yes" if share >= 0.78 - slack else "no"
    return "-"


def _simulate(case: Case, seed: int, experiments: int) -> Record:
    # A stream for each setting, whichever else is simulated.
    key = zlib.crc32(f"{case.section}, {case.setting}".encode())
    counted = case.simulate(np.random.default_rng([seed, key]), experiments)
    return {
        "section": case.section,
        "method": case.method,
        "setting": case.setting,
        "goal": case.goal,
        "experiments": experiments,
        "seed": seed,
        **asdict(counted),
    }


def _key(record: Record) -> tuple[str, str, str]:
    return record["section"], record["method"], record["setting"]


def _pooled(records: Sequence[Record]) -> dict[tuple[str, str, str], Record]:
    """One record a case: that of all its experiments, which seeds share out among processes."""
    found: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        found.setdefault(_key(record), []).append(record)
    pooled = {}
    for key, parts in found.items():
        weights = [part["experiments"] for part in parts]
        shares = {
            name: None
            if parts[0][name] is None
            else float(np.average([part[name] for part in parts], weights=weights))
            for name in ("share", "above", "below")
        }
        pooled[key] = {**parts[0], **shares, "experiments": sum(weights)}
    return pooled


def _misses(records: Sequence[Record]) -> list[Block]:
    """By method, where it does not reach its goal, and what is done there."""
    by_method: dict[str, list[str]] = {}
    for record in records:
        found = verdict(record)
        if found not in ("yes", "-"):
            said = f"{record['setting']} ({100 * record['share']:.1f}%, {found})"
            by_method.setdefault(record["method"], []).append(said)
    items = [
        f"{method}: {'; '.join(settings)}. "
        + next((text for start, text in _THERE.items() if method.startswith(start)), "")
        for method, settings in by_method.items()
    ]
    return [Heading("Where they do not hold"), ItemList(tuple(items))] if items else []


def build_document(records: Sequence[Record]) -> Document:
    """The tables, and where the methods miss."""
    if not records:
        raise RunError("nothing is recorded yet", todo="run intervals.py without --report first")
    last = _pooled(records)
    blocks: list[Block] = []
    for name, (title, text) in _SECTIONS.items():
        found = [last[k] for case in CASES if (k := (case.section, case.method, case.setting))
                 in last and case.section == name]  # fmt: skip
        if found:
            blocks += [Heading(title), Paragraph(text), _table(found)]
    counts = sorted({record["experiments"] for record in last.values()})
    seeds = sorted({record["seed"] for record in records})
    said = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    of_seeds = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    intro = (
        f"Every line is {said} experiments (seed {of_seeds}), so a share near "
        f"95% is known to within {200 * math.sqrt(0.95 * 0.05 / min(counts)):.1f} points. "
        "Approximate intervals should hold the truth in 94% to 96% of the experiments, exact ones "
        "in at least 95%; tests should err in at most 5%. The last column allows for the chance "
        "of the simulation (two standard errors)."
    )
    command = "python benchmarks/intervals.py --out OUT\n"
    command += "python benchmarks/intervals.py --out OUT --report docs/results/statistics.md"
    return Document(
        title="Statistics: do the intervals hold?",
        subtitle="Simulated experiments with known truths, judged by cnnlab's own functions.",
        blocks=(
            Paragraph(intro),
            *_misses(list(last.values())),
            *blocks,
            Heading("The commands"),
            Code(command),
        ),
        footer="Written by benchmarks/intervals.py from its records.",
    )


def _table(records: Sequence[Record]) -> Table:
    sides = records[0]["above"] is not None
    header = ["method", "setting", "held" if sides else "spoke"]
    header += ["too high", "too low"] if sides else []
    keys = ("share", "above", "below") if sides else ("share",)
    return Table.of(
        [*header, "should be", "as it should"],
        [
            [
                record["method"],
                record["setting"],
                *(f"{100 * record[key]:.2f}%" for key in keys),
                record["goal"],
                verdict(record),
            ]
            for record in records
        ],
        "How often the interval held the truth, or lay wholly above or below it."
        if sides
        else "How often the test spoke.",
        text_columns=(0, 1, len(header), len(header) + 1),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate what is missing, or report; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--experiments", type=int, default=20_000)
    add("--seed", type=int, default=1)
    add("--only", choices=_SECTIONS, help="one section alone")
    add("--out", type=Path, default=Path("build/intervals"))
    add("--report", type=Path, metavar="FILE.md", help="write this from the records")
    asked = parser.parse_args(arguments)
    file = asked.out / _FILE

    def work() -> None:
        if asked.report:
            document = build_document(read_records(file))
            write_text(asked.report, render_markdown(document))
            return
        asked.out.mkdir(parents=True, exist_ok=True)
        done = {
            _key(record)
            for record in read_records(file)
            if (record["experiments"], record["seed"]) == (asked.experiments, asked.seed)
        }
        for case in CASES:
            wanted = asked.only in (None, case.section)
            if wanted and (case.section, case.method, case.setting) not in done:
                record = _simulate(case, asked.seed, asked.experiments)
                append_line(file, json.dumps(record))
                print(json.dumps(record), flush=True)

    return run_command("intervals", work)


if __name__ == "__main__":
    sys.exit(main())
