"""Do cnnlab and Keras train the same models to the same accuracy?

Both sides get the same images, split, layers and hyperparameters; initial weights, order and
dropout are each side's own. Every finished training is one line of OUT/records.jsonl and is not
done again, so this may be killed at any time and started again::

    python benchmarks/fidelity.py --models e,f --seeds 5 --train 4000 --epochs 5 \\
        --keras-python KERAS_ENVIRONMENT/bin/python --backend tensorflow --out OUT
    python benchmarks/fidelity.py --out OUT --report docs/results/fidelity.md

Keras's environment needs Keras, its backend and NumPy; without ``--keras-python`` it is this one,
on torch. Two processes of one thread each get more out of two cores than one of two: ``--jobs 2``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.command import run_command
from harness.records import FITS, Record, read_records
from harness.workers import Work, run_together, start
from versus_keras.jobs import Material, Setting, keras_job, prepare, rows_digest, write_arrays
from versus_keras.options import options, settings_of
from versus_keras.peer import KerasPeer, peer_of
from versus_keras.report import write_report

from cnnlab.errors import CheckFailed
from cnnlab.files import append_line, exclusive_lock

__all__ = ["Comparison", "Trial", "main"]

SIDES = ("cnnlab", "keras")


@dataclass(frozen=True)
class Trial:
    """One training of one side."""

    side: str
    setting: Setting
    seed: int

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.side}-{self.setting.label}-seed{self.seed}"


@dataclass
class Comparison:
    """Trains both sides and keeps the records in ``folder``."""

    folder: Path
    peer: KerasPeer
    _materials: dict[Setting, Material] = field(default_factory=dict)

    def run(
        self,
        settings: Sequence[Setting],
        seeds: Sequence[int],
        *,
        sides: Sequence[str] = SIDES,
        jobs: int = 1,
    ) -> None:
        """Do what is not recorded yet, both sides of a seed before the next seed.

        Raises what training raises, ``FailedError`` that names the log of a worker that stopped,
        and ``CheckFailed`` where a side trained on other rows.
        """
        done = {record["name"] for record in read_records(self.folder / FITS)}
        names = {"cnnlab": "cnnlab", "keras": f"keras-{self.peer.backend}"}
        trials = [
            Trial(names[side], setting, seed)
            for seed in seeds
            for setting in settings
            for side in sides
        ]
        trials = [trial for trial in trials if trial.name not in done]
        print(f"{len(trials)} trainings to do, {len(done)} recorded in {self.folder}", flush=True)

        def begin(trial: Trial) -> Work:
            return self._own(trial) if trial.side == "cnnlab" else self._keras(trial)

        run_together(
            [lambda trial=trial: begin(trial) for trial in trials],  # type: ignore[misc] # mypy#15459
            jobs,
            lambda index, answer: self._record(trials[index], answer),
        )

    def _material(self, setting: Setting) -> Material:
        if setting not in self._materials:
            settings = setting.settings(seed=0, threads=self.peer.threads)
            self._materials[setting] = prepare(settings)
        return self._materials[setting]

    @property
    def _work(self) -> Path:
        return self.folder.absolute() / "work"

    def _own(self, trial: Trial) -> Work:
        threads = self.peer.threads
        job = {
            "settings": trial.setting.settings(seed=trial.seed, threads=threads),
            "run": str(self.folder.absolute() / "runs" / trial.name),
        }
        environment = {"OMP_NUM_THREADS": str(threads)}
        return start("fidelity_own.py", job, self._work, trial.name, environment=environment)

    def _keras(self, trial: Trial) -> Work:
        material = self._material(trial.setting)
        arrays = self._work / f"{trial.setting.label}.npz"
        if not arrays.exists():
            write_arrays(material, arrays)
        job = {**keras_job(material, "fit", trial.seed), "arrays": str(arrays)}
        return self.peer.start(job, self._work, trial.name)

    def _record(self, trial: Trial, answer: Record) -> None:
        split = self._material(trial.setting).split
        rows = rows_digest(split.train, split.validation)
        if answer.setdefault("rows", rows) != rows:
            raise CheckFailed("trained on other rows than Keras", where=trial.name)
        record = {
            "name": trial.name,
            "side": trial.side,
            "seed": trial.seed,
            "model": trial.setting.name,
            "data": trial.setting.data,
            "train": trial.setting.train,
            "epochs": trial.setting.epochs,
            **answer,
        }
        append_line(self.folder / FITS, json.dumps(record))
        accuracy = answer["validation"]["accuracy"]
        print(f"{trial.name}: validation {accuracy:.4f}, {answer['seconds']:.0f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, or report; returns the exit code."""
    parser = options(__doc__, models="e,f", train=4000, epochs=5)
    add = parser.add_argument
    add("--seeds", type=int, default=3, help="trainings of each model on each side")
    add("--first-seed", type=int, default=0)
    add("--sides", nargs="+", choices=SIDES, default=SIDES, help="only one of them")
    add("--jobs", type=int, default=1, help="processes at a time")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; train nothing")
    asked = parser.parse_args(arguments)

    def work() -> None:
        if asked.report:
            write_report(asked.out, asked.report)
            return
        seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
        with exclusive_lock(asked.out / ".lock", holder="comparison"):
            comparison = Comparison(asked.out, peer_of(asked))
            comparison.run(settings_of(asked), seeds, sides=asked.sides, jobs=asked.jobs)

    return run_command("fidelity", work)


if __name__ == "__main__":
    sys.exit(main())
