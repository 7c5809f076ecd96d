"""Does a training that is killed at any instant, and resumed, end with the same bytes?

Each kill has a training of its own: it is killed with SIGKILL, resumed, and compared with one that
was left alone. Half of the kills come at a random time; the others at a named instant of writing,
flushing, renaming or evaluating, at a random pass of it. Training on all at once and chunk after
chunk take turns. Every kill is one line of OUT/kill.jsonl and is not done again; what was cut off
goes on::

    python benchmarks/kill.py --kills 200 --seed 0 --out OUT
    python benchmarks/kill.py --out OUT --report docs/results/kills.md
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from harness.command import measurement_options, run_command
from harness.records import Record, read_records
from harness.sessions import Section, Session, document_of, measure_or_report
from kill_worker import AT, COUNTS, INSTANTS

from cnnlab.errors import CheckFailed, FailedError, RunError
from cnnlab.metrics.statistics import clopper_pearson
from cnnlab.reports.document import Block, Document, ItemList, Paragraph, Table
from cnnlab.workflows.kill_trial import Kill, Trial

__all__ = ["Planned", "build_document", "main", "plan"]

_FILE = "kill.jsonl"
_MODES = ("full", "sequential")
_RANDOM = "at a random time"
_WORKER = Path(__file__).with_name("kill_worker.py")


@dataclass(frozen=True)
class Planned:
    """One kill: the training's mode and what it is to hit."""

    number: int
    mode: str
    instant: str


def plan(kills: int) -> list[Planned]:
    """Both modes in turn; in each, a random time and a named instant in turn."""
    found = []
    for number in range(kills):
        turn = number // len(_MODES)
        named = INSTANTS[turn // 2 % len(INSTANTS)]
        found.append(Planned(number, _MODES[number % len(_MODES)], named if turn % 2 else _RANDOM))
    return found


@dataclass
class Killer:
    """Makes the kills of one mode: its whole training, and how often that passes each instant."""

    trial: Trial
    passed: dict[str, int]

    @classmethod
    def prepare(cls, folder: Path, mode: str, asked: argparse.Namespace) -> Killer:
        """Train it whole, counting."""
        folder.mkdir(parents=True)
        command = (sys.executable, _WORKER)
        trial = Trial(folder, mode, asked.precision, asked.threads, command)
        counts = folder / "counts.json"
        trial.train_whole({COUNTS: str(counts)})
        return cls(trial, json.loads(counts.read_text(encoding="utf-8")))

    def kill(self, planned: Planned, generator: np.random.Generator) -> Record:
        """Kill a training where it is planned, resume it, compare it; return the record."""
        name = f"killed-{planned.number}"
        kill, times = None, 0
        while kill is None:  # it ended before the kill: once more
            shutil.rmtree(self.trial.run(name).path, ignore_errors=True)
            if planned.instant == _RANDOM:
                kill = self.trial.kill_at_random(name, generator, self.trial.training_seconds)
            else:
                # Checkpoints come by the clock: another training may pass some instants less often.
                often = self.passed.get(planned.instant, 0) if not times else times // 2
                if not often:
                    raise FailedError(f"no training passes '{planned.instant}'")
                times = int(generator.integers(1, often + 1))
                kill = self._kill_at(name, f"{planned.instant}:{times}")
        try:
            self.trial.finish(name)
            apart = self.trial.differences(name)
        except CheckFailed as error:  # what this is to find; it counts, and the others go on
            apart = [error.what]
        shutil.rmtree(self.trial.run(name).path, ignore_errors=True)
        return {
            "mode": planned.mode,
            "instant": planned.instant,
            "times": times,
            **asdict(kill),
            "steps": self.trial.whole.metrics[-1]["step"],
            "equal": not apart,
            "differences": apart,
        }

    def _kill_at(self, name: str, at: str) -> Kill | None:
        process = self.trial.start(name, environment={AT: at})
        return self.trial.caught(name, process, 0.0)


def measure(asked: argparse.Namespace, session: Session) -> None:
    """Make the kills that are not recorded yet."""
    done = {_key(record) for record in read_records(session.file)}
    facts = {"kind": "kill", "seed": asked.seed, "precision": asked.precision}
    todo = [
        planned
        for planned in plan(asked.kills)
        if (asked.seed, asked.precision, planned.number) not in done
    ]
    print(f"{len(todo)} kills to do, {asked.kills - len(todo)} recorded", flush=True)
    killers: dict[str, Killer] = {}
    work = asked.out.absolute() / "work"
    shutil.rmtree(work, ignore_errors=True)  # of one that was cut off
    for planned in todo:
        if planned.mode not in killers:
            folder = work / planned.mode
            killers[planned.mode] = Killer.prepare(folder, planned.mode, asked)
        # Of its own, so that a kill comes at the same instant after this was cut off itself.
        generator = np.random.default_rng([asked.seed, planned.number])
        record = killers[planned.mode].kill(planned, generator)
        record = {**facts, "number": planned.number, "threads": asked.threads, **record}
        session.add(record)
        print(f"{planned.number + 1} of {asked.kills}: {_told(record)}", flush=True)
    shutil.rmtree(work, ignore_errors=True)


def _key(record: Record) -> tuple[Any, ...]:
    return record["seed"], record["precision"], record["number"]


def _told(record: Record) -> str:
    place = "the start" if record["step"] is None else f"step {record['step']}"
    ended = "equal" if record["equal"] else "; ".join(record["differences"])
    return f"{record['mode']}, {record['instant']}, went on from {place}: {ended}"


def build_document(records: Sequence[Record]) -> Document:
    """How many ended with the same bytes, by kind of instant, and what that supports."""
    if not records:
        raise RunError("no kill is recorded", todo="run kill.py first")
    equal = sum(record["equal"] for record in records)
    kinds = [*dict.fromkeys((_RANDOM, *INSTANTS))]
    header = ("killed", *_MODES, "all", "95% bound on the share that differs")
    groups = [(kind, [r for r in records if r["instant"] == kind]) for kind in kinds]
    rows = [_row(kind, group) for kind, group in groups if group]
    caption = (
        "Kills whose training, resumed, ended equal to the byte, of all kills of that kind. The "
        "bound is one-sided, Clopper and Pearson's."
    )
    blocks: list[Block] = [
        Paragraph(
            f"{equal}/{len(records)} byte-equal: with 95% confidence at most "
            f"{_bound(records):.1%} of such kills change a byte of what training leaves."
        ),
        Table.of(header, [*rows, _row("all", records)], caption),
        Paragraph(_conditions(records)),
    ]
    apart = [record for record in records if not record["equal"]]
    if apart:
        blocks.append(ItemList(tuple(f"Kill {r['number'] + 1}: {_told(r)}." for r in apart)))
    return document_of(
        "Kills",
        "Does a training that is killed at any instant, and resumed, end with the same bytes?",
        "kill.py",
        [Section("Kill by kill", records, blocks)],
    )


def _row(kind: str, records: Sequence[Record]) -> tuple[str, ...]:
    parts = [[r for r in records if r["mode"] == mode] for mode in _MODES]
    cells = [f"{sum(r['equal'] for r in part)}/{len(part)}" for part in (*parts, records)]
    return kind, *cells, f"{_bound(records):.1%}"


def _bound(records: Sequence[Record]) -> float:
    """The one-sided 95% bound on the share of kills that change something.

    It is the upper end of the two-sided 90% interval; of none in n, about 3/n.
    """
    changed = sum(not record["equal"] for record in records)
    return clopper_pearson(changed, len(records), 0.90).high


def _conditions(records: Sequence[Record]) -> str:
    timed = [record for record in records if record["instant"] == _RANDOM]
    hit = {kind: sum(r["hit"] == kind for r in timed) for kind in sorted({r["hit"] for r in timed})}
    began = sum(record["step"] is None for record in records)
    caught = ", ".join(f"{count} {kind}" for kind, count in hit.items())
    return (
        "Compared are the best and the last checkpoint (weights, buffers, averages, optimizer), "
        "metrics.jsonl and the validation predictions. On were shuffling, flips, shifts, cutout, "
        "dropout, batch normalisation, averaging, weight decay and clipping, in "
        f"{', '.join(sorted({record['precision'] for record in records}))}. {began} trainings had "
        "no checkpoint yet and began anew."
        + (f" The kills at a random time came while the process was: {caught}." if caught else "")
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(__doc__, data=None, threads=2, out=Path("build/kill"))
    add = parser.add_argument
    add("--kills", type=int, default=200)
    add("--seed", type=int, default=0, help="decides the instants")
    add("--precision", choices=("bf16", "fp32"), default="bf16")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; kill none")
    asked = parser.parse_args(arguments)
    file = asked.out / _FILE

    def work() -> None:
        measure_or_report(
            asked,
            file,
            build=build_document,
            measure=lambda: measure(asked, Session.start(file, "kill.py", arguments)),
            is_wrong=lambda record: not record["equal"],
            complaint="a killed training ended otherwise",
        )

    return run_command("kill", work)


if __name__ == "__main__":
    sys.exit(main())
