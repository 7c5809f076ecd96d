"""Does any file make cnnlab crash, hang, fill the memory, or load something that is not in it?

Every input is a function of format, seed and number alone. Each is one line of OUT/fuzz.jsonl and
is not tried again; what was cut off goes on. A finding is tried again by its number, with its files
kept and the whole traceback::

    python benchmarks/fuzz.py --inputs 3500 --seed 1 --out OUT
    python benchmarks/fuzz.py --format png --seed 1 --only 4711
    python benchmarks/fuzz.py --out OUT --report docs/results/fuzzing.md
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzzing.case import generator_of, write_files
from fuzzing.families import FAMILIES
from fuzzing.pool import Job, run_jobs
from fuzzing.summary import build_document
from fuzzing.trial import GOOD, try_input
from harness.command import measurement_options, run_command
from harness.records import Record, read_records
from harness.sessions import Session

from cnnlab.errors import CheckFailed
from cnnlab.files import exclusive_lock, write_text
from cnnlab.reports.markdown import render_markdown

__all__ = ["jobs_of", "main"]

_FILE = "fuzz.jsonl"
_LINES_AT_ONCE = 100


def jobs_of(formats: Sequence[str], seed: int, inputs: int, done: set[Job]) -> Iterator[Job]:
    """The inputs that are not done yet, format after format."""
    for name in formats:
        yield from (job for n in range(inputs) if (job := (name, seed, n)) not in done)


class _Keeper:
    """Appends records, some at a time; the last lines of a run that is cut off are done again."""

    def __init__(self, file: Path, until: float) -> None:
        self._file, self._until = file, until
        self._lines: list[str] = []
        self.count = 0
        self.found: list[Record] = []

    def keep(self, record: Record) -> None:
        self._lines.append(json.dumps(record))
        self.count += 1
        if record["outcome"] not in GOOD:
            self.found.append(record)
            print(told(record), flush=True)
        if len(self._lines) >= _LINES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write("".join(line + "\n" for line in self._lines))
        self._lines.clear()

    def while_time(self, jobs: Iterator[Job]) -> Iterator[Job]:
        for job in jobs:
            if time.monotonic() > self._until:
                return
            yield job


def told(record: Record) -> str:
    """A finding in one line."""
    facts = f"{record['format']} {record['seed']} {record['number']}"
    return f"{facts}: {record['outcome']}: {record['said']} [{record['what']}]"


def hunt(asked: argparse.Namespace, arguments: Sequence[str]) -> list[Record]:
    """Try what is not recorded yet; return what was found."""
    file = asked.out / _FILE
    asked.out.mkdir(parents=True, exist_ok=True)
    old = [record for record in read_records(file) if "number" in record]
    done = {(record["format"], record["seed"], record["number"]) for record in old}
    Session.start(file, "fuzz.py", arguments).add({"kind": "fuzz"})
    keeper = _Keeper(file, time.monotonic() + asked.time_limit)
    jobs = jobs_of(asked.format or [*FAMILIES], asked.seed, asked.inputs, done)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=asked.work) as place:
        try:
            run_jobs(keeper.while_time(jobs), asked.workers, Path(place), keeper.keep)
        finally:
            keeper.flush()
    seconds = time.monotonic() - began
    print(f"{keeper.count:,} inputs in {seconds:.0f} s, {len(keeper.found)} findings")
    return keeper.found


def once(asked: argparse.Namespace) -> None:
    """Try one input here, keep its files, show what happened in full."""
    for name in asked.format or [*FAMILIES]:
        family = FAMILIES[name]
        place = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
        family.warm()
        print(json.dumps(try_input(family, asked.seed, asked.only, place), indent=1))
        print(f"files: {place / 'case'}")
        case = family.case(generator_of(name, asked.seed, asked.only))
        write_files(place / "again", case.files)
        os.environ["CNNLAB_HOME"] = str(place / "home")
        try:
            family.judge(place / "again", case, family.use(place / "again", case))
        except Exception:  # whatever it is, it is what was asked to be seen
            traceback.print_exc()


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt, repeat or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(__doc__, data=None, threads=1, out=Path("build/fuzz"))
    add = parser.add_argument
    add("--format", choices=[*FAMILIES], action="append", help="one of them; may stand again")
    add("--inputs", type=int, default=3_500, help="of each format")
    add("--seed", type=int, default=1)
    add("--only", type=int, metavar="NUMBER", help="this input alone, with its traceback")
    add("--workers", type=int, default=2, help="processes")
    add("--time-limit", type=float, default=float("inf"), metavar="SECONDS", help="then stop")
    add("--work", type=Path, help="where the files of inputs are written, e.g. /dev/shm")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; try none")
    asked = parser.parse_args(arguments)

    def work() -> None:
        if asked.report:
            text = render_markdown(build_document(read_records(asked.out / _FILE)))
            write_text(asked.report, text)
        elif asked.only is not None:
            once(asked)
        else:
            with exclusive_lock(asked.out / ".lock", holder="hunt"):
                found = hunt(asked, arguments)
            if found:
                raise CheckFailed(f"{len(found)} findings", where=asked.out / _FILE)

    return run_command("fuzz", work)


if __name__ == "__main__":
    sys.exit(main())
