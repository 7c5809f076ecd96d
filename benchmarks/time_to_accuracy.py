"""How long does it take on this processor to train to an accuracy, here and elsewhere?

Recipes of cnnlab, cifar10-airbench's script at sizes that you choose, and Keras with the report's
model F train on the same images, each training in a process of its own with the same number of
threads, one after the other, all sides of a seed before the next seed. Every finished training is
one line of OUT/time_to_accuracy.jsonl and is not done again, so this may be killed at any time and
started again::

    python benchmarks/time_to_accuracy.py --recipes blink,minute --seeds 5 --out OUT \\
        --airbench airbench94_muon.py --airbench-settings widths=32-64-128,epochs=1,batch=500 \\
        --keras-python KERAS_ENVIRONMENT/bin/python --backend tensorflow --keras-epochs 10
    python benchmarks/time_to_accuracy.py --out OUT --report docs/results/time-to-accuracy.md

What counts: top-1 on all test images, one view of each. Seconds run from the pixels in memory to
the last weights, so reading files, imports, and every evaluation are off the clock, while building
the network, whitening, augmentation, every step and what is written on the way are on it. The
machine should do nothing else meanwhile.

airbench's script is not part of this project: fetch airbench94_muon.py of
KellerJordan/cifar10-airbench yourself. ``airbench_adaptation.py`` says what is changed in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command import run_command
from harness.records import RACES, Record, read_records
from harness.workers import Work, run_together
from race.airbench_settings import parse_settings
from race.conditions import Conditions, machine_facts, speed_variables
from race.contenders import Airbench, Contender, KerasCurve, Recipe
from race.options import options, portable_command
from race.report import goal_lines, write_report
from versus_keras.peer import KerasPeer

from cnnlab.errors import CheckFailed, ConfigError
from cnnlab.files import append_line, exclusive_lock

__all__ = ["Race", "main", "rounds_of"]


@dataclass(frozen=True)
class Race:
    """Trains whoever takes part, one after the other, and keeps the records."""

    conditions: Conditions
    command: str

    def run(self, rounds: Sequence[tuple[int, Contender]]) -> None:
        """Do what is not recorded yet, in the order of ``rounds``: seeds and contenders.

        Raises ``FailedError`` that names the log of a worker that stopped, and ``CheckFailed``
        where a side was judged on other images.
        """
        file = self.conditions.folder / RACES
        done = {record["name"] for record in read_records(file)}
        named = [(contender.name(seed), seed, contender) for seed, contender in rounds]
        to_do = [item for item in named if item[0] not in done]
        print(f"{len(to_do)} trainings to do, {len(done)} recorded in {file.parent}", flush=True)
        loads: dict[int, float] = {}

        def begin(index: int) -> Work:
            name, seed, contender = to_do[index]
            loads[index] = round(os.getloadavg()[0], 2)
            return contender.begin(seed, name)

        run_together(
            [lambda index=index: begin(index) for index in range(len(to_do))],  # type: ignore[misc] # mypy#15459
            1,
            lambda index, answer: self._record(*to_do[index], loads[index], answer),
        )

    def _record(
        self, name: str, seed: int, contender: Contender, load: float, answer: Record
    ) -> None:
        if answer.setdefault("test_rows", self.conditions.test_rows) != self.conditions.test_rows:
            raise CheckFailed("was judged on other test images than the other sides", where=name)
        if "curve" in answer:
            answer["seconds"] = answer["curve"][-1]["seconds"]
        record = {
            "name": name,
            "side": contender.side,
            "label": contender.label,
            "seed": seed,
            "data": Path(self.conditions.data).name,
            "dataset": self.conditions.dataset.name,
            "threads": self.conditions.threads,
            "command": self.command,
            "environment": speed_variables(),
            "machine": machine_facts(),
            "load_before": load,
            **answer,
        }
        append_line(self.conditions.folder / RACES, json.dumps(record))
        seconds, accuracy = answer["seconds"], answer["accuracy"]
        print(f"{name}: {seconds:.1f} s, test {accuracy:.4f}", flush=True)


def rounds_of(asked: argparse.Namespace) -> list[tuple[int, Contender]]:
    """Seeds and contenders: all that take part with a seed, then the next seed; Keras once."""
    conditions = Conditions(asked.data, asked.threads, asked.train, asked.out)
    recipes = filter(None, map(str.strip, asked.recipes.split(",")))
    several: list[Contender] = [Recipe(conditions, name, tuple(asked.set)) for name in recipes]
    if bool(asked.airbench) != bool(asked.airbench_settings):
        raise ConfigError("--airbench and --airbench-settings need each other")
    sizes = map(parse_settings, asked.airbench_settings)
    several += [Airbench(conditions, asked.airbench, size) for size in sizes]
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    rounds = [(seed, contender) for seed in seeds for contender in several]
    if asked.keras_epochs:
        peer = KerasPeer(asked.keras_python, asked.backend, asked.threads)
        curve = KerasCurve(conditions, peer, asked.keras_model, asked.keras_epochs)
        rounds.insert(len(several), (asked.first_seed, curve))
    if not rounds:
        raise ConfigError("nobody takes part", todo="give --recipes, --airbench, --keras-epochs")
    return rounds


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, or report; returns the exit code."""
    asked = options(__doc__).parse_args(arguments)

    def work() -> None:
        if asked.report:
            write_report(asked.out, asked.report)
            return
        with exclusive_lock(asked.out / ".lock", holder="race"):
            rounds = rounds_of(asked)
            Race(rounds[0][1].conditions, portable_command(asked)).run(rounds)
        for line in goal_lines(read_records(asked.out / RACES)):
            print(line)

    return run_command("time_to_accuracy", work)


if __name__ == "__main__":
    sys.exit(main())
