"""How fast is cnnlab on a GPU, beside cifar10-airbench's script and beside a processor?

To be run where torch finds a CUDA device::

    python benchmarks/gpu.py --airbench airbench94_muon.py --runs 20 --out OUT
    python benchmarks/gpu.py --out OUT --report FILE.md

The script (fetch airbench94_muon.py of KellerJordan/cifar10-airbench yourself) runs as it is, in
its own half precision, but for its images, which are those that the recipe of cnnlab's trains on.
The sides take turns in blocks. A block is a process that trains once to warm up, so that compiling
is off the clock on both sides, and then its share of the runs. Seconds are counted as the script
counts them, whitening and all steps, and from the pixels in memory to the last weights, for the
recipe with whatever is written on the way. Then model F takes steps on the processor and on the
GPU, and what a session measured is printed as Markdown. Without ``--airbench`` there is no race,
with ``--rounds 0`` no model F. It wants a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from statistics import mean

import torch
from harness.command import measurement_options, run_command
from harness.records import Record
from harness.sessions import Measurement, Session, last_session
from harness.workers import Work, start
from race.airbench_settings import AirbenchSettings
from race.conditions import Conditions
from race.contenders import Airbench, Recipe
from race.gpu_report import build_document

from cnnlab.device import choose_threads
from cnnlab.errors import CheckFailed, ConfigError, DeviceError
from cnnlab.files import exclusive_lock, write_text
from cnnlab.reports.markdown import render_markdown
from cnnlab.reports.wording import plural

__all__ = ["Bench", "blocks_of", "main"]

_FILE = "gpu.jsonl"
_KINDS = ("race", "pace")
_MODEL = "model-f"
#: What the script itself says.
_MODE = "max-autotune"


def check_gpu(device: str) -> None:
    """Raise :class:`DeviceError` where there is nothing to measure on."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError(
            "torch finds no CUDA device here: nothing was measured",
            todo="run it where there is one, with a torch build for it",
        )


def blocks_of(runs: int, blocks: int) -> list[list[int]]:
    """Seeds from 0 on, divided into blocks that differ by one at most."""
    if not 1 <= blocks <= runs:
        raise ConfigError(f"{blocks} blocks of {runs} runs", where="--blocks", expected="1 or more")
    ends = [runs * index // blocks for index in range(blocks + 1)]
    return [list(range(*ends[index : index + 2])) for index in range(blocks)]


@dataclass(frozen=True)
class Bench:
    """Starts the measurements that were asked for, on ``device``."""

    asked: argparse.Namespace
    device: str

    @cached_property
    def conditions(self) -> Conditions:
        """The images and the threads of all sides."""
        asked = self.asked
        return Conditions(asked.data, asked.threads, None, asked.out)

    def _start(self, kind: str, job: Record, name: str) -> Work:
        work, threads = self.conditions.work, self.asked.threads
        work.mkdir(parents=True, exist_ok=True)
        job = {"threads": threads, "runs": str(work), **job, "kind": kind, "device": self.device}
        environment = {"OMP_NUM_THREADS": str(threads)}
        return start("gpu_worker.py", job, work, name, environment=environment)

    def race(self) -> list[Measurement]:
        """Every block of both sides; who begins changes from block to block."""
        found = list[Measurement]()
        for number, seeds in enumerate(blocks_of(self.asked.runs, self.asked.blocks), start=1):
            pair = [self._airbench(number, seeds), self._own(number, seeds)]
            found += pair if number % 2 else pair[::-1]
        return found

    def _race_facts(self, side: str, label: str, block: int) -> Record:
        return {
            "kind": "race",
            "side": side,
            "label": label,
            "block": block,
            "threads": self.asked.threads,
            "dataset": self.conditions.dataset.name,
        }

    def _airbench(self, block: int, seeds: list[int]) -> Measurement:
        peer = Airbench(self.conditions, self.asked.airbench, AirbenchSettings())
        peer.asked()  # for its errors: another script, other images
        job = {
            "seeds": seeds,
            "script": str(peer.script.absolute()),
            "compile": self.asked.airbench_compile,
            "arrays": str(self.conditions.arrays()),
        }
        begin = partial(self._start, peer.side, job, f"{peer.side}-block{block}")
        mode = self.asked.airbench_compile
        label = peer.script.stem if mode == _MODE else f"{peer.script.stem}, compiled: {mode}"
        return Measurement(self._race_facts(peer.side, label, block), begin)

    def _own(self, block: int, seeds: list[int]) -> Measurement:
        # As the script: all training images, and none held out.
        always = ("data.validation=0", f"device={self.device}")
        recipe = Recipe(self.conditions, self.asked.recipe, (*always, *self.asked.set))
        recipe.asked()  # for its errors
        # The warm-up has a seed of its own.
        job = {**recipe.recipe_job(seed=self.asked.runs), "seeds": seeds}
        begin = partial(self._start, recipe.side, job, f"{recipe.side}-block{block}")
        label = ", ".join([Path(recipe.recipe).stem, *self.asked.set])
        return Measurement(self._race_facts(recipe.side, label, block), begin)

    def paces(self, number: int) -> list[Measurement]:
        """Model F on the processor and on the GPU: a round."""
        return [self._pace(side, number) for side in ("processor", "GPU")]

    def _pace(self, side: str, number: int) -> Measurement:
        settings = {
            "device": "cpu" if side == "processor" else self.device,
            "threads": self.asked.threads,
            "model": {"name": _MODEL},
            "data": {"source": self.asked.data},
        }
        job = {"settings": settings, "seconds": self.asked.seconds}
        facts = {"kind": "pace", "model": _MODEL, "side": side, "round": number}
        begin = partial(self._start, "pace", job, f"{_MODEL}-{side}-round{number}")
        return Measurement({**facts, "threads": self.asked.threads}, begin)

    def judge(self, record: Record) -> str:
        """What to say of a record; :class:`CheckFailed` where a side had other images."""
        if record["kind"] == "pace":
            return f"{record['model']} on the {record['side']}: {record['epoch_seconds']:.1f} s"
        split, rows = self.conditions.split, self.conditions.test_rows
        sizes = (record["trained_on"], record["n_test"])
        if sizes != (len(split.train), len(split.test)) or record.get("test_rows", rows) != rows:
            raise CheckFailed("trained or was judged on other images", where=record["side"])
        runs = record["runs"]
        seconds, accuracy = (mean(run[key] for run in runs) for key in ("seconds", "accuracy"))
        return (
            f"block {record['block']}, {record['side']}, {plural(len(runs), 'run')}: "
            f"{seconds:.2f} s, test {accuracy:.4f} (means)"
        )


def measure(asked: argparse.Namespace, device: str, session: Session) -> None:
    """Race, where there is a script, then time model F."""
    bench = Bench(asked, device)
    if asked.airbench:
        session.measure(bench.race(), bench.judge)
    for number in range(1, asked.rounds + 1):
        session.measure(bench.paces(number), bench.judge)


def _parser() -> argparse.ArgumentParser:
    parser = measurement_options(
        __doc__,
        data="known images, or a path",
        threads=choose_threads()[0],
        out=Path("build/gpu"),
    )
    parser.set_defaults(data="cifar10")
    add = parser.add_argument
    add("--airbench", type=Path, metavar="FILE.py", help="airbench94_muon.py")
    add(
        "--airbench-compile",
        default=_MODE,
        metavar="MODE",
        help=f"of torch.compile; {_MODE}, the script's own, may take many minutes",
    )
    add("--recipe", default="speedrun", help="cnnlab's: a name or a YAML file")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="in the recipe")
    add("--runs", type=int, default=20, help="trainings of each side that count")
    add("--blocks", type=int, default=4, help="processes that share the runs of a side")
    add("--rounds", type=int, default=5, help="of model F")
    add("--seconds", type=float, default=5.0, help="of model F's steps")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; measure none")
    return parser


def main(arguments: Sequence[str] | None = None, *, device: str = "cuda") -> int:
    """Measure on ``device``, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    asked = _parser().parse_args(arguments)
    file = asked.out / _FILE

    def work() -> None:
        if asked.report:
            records = [record for kind in _KINDS for record in last_session(file, [kind])]
            write_text(asked.report, render_markdown(build_document(records)))
            return
        check_gpu(device)
        with exclusive_lock(asked.out / ".lock", holder="measurement"):
            session = Session.start(file, "gpu.py", arguments, device=device)
            measure(asked, device, session)
        print(render_markdown(build_document(session.records)))

    return run_command("gpu", work)


if __name__ == "__main__":
    sys.exit(main())
