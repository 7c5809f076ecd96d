"""Does a training that was killed end as one that was not? A trial of it with real kills.

A small network is trained in a process of its own, once whole; then the same training is killed
with SIGKILL at random instants, resumed each time, and what both left is compared byte for byte.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.data.source import Say, unsaid
from cnnlab.tables import ShownAsText, text_table
from cnnlab.workflows.kill_trial import Kill, Trial
from cnnlab.workflows.same_bytes import step_of_newest

__all__ = ["Survival", "verify_resume"]

#: A resumed training repeats steps up to its last checkpoint: kills need so much more time.
_SPREAD = 2.0


@dataclass(frozen=True)
class Survival(ShownAsText):
    """What came of killing a training again and again.

    Attributes
    ----------
    kills: each of them.
    differences: in what the resumed trainings differ from the whole one; empty where in nothing.
    choices: device, precision and threads of the trainings.
    steps: of the whole training.
    seconds: that the trial took.
    """

    kills: tuple[Kill, ...]
    differences: tuple[str, ...]
    choices: dict[str, Any]
    steps: int
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether every byte was the same."""
        return not self.differences

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab doctor --verify-resume --json`` prints."""
        return {"exact": self.exact, "survived": len(self.kills) * self.exact, **asdict(self)}

    def to_text(self) -> str:
        """What ``cnnlab doctor --verify-resume`` prints."""
        rows = [
            (kill.hit, f"{kill.seconds:.2f} s", "the start" if kill.step is None else kill.step)
            for kill in self.kills
        ]
        chosen = ", ".join(f"{value}" for value in self.choices.values())
        table = text_table(["killed while", "after", f"went on from step (of {self.steps})"], rows)
        if self.exact:
            said = (
                f"survived {len(self.kills)} kills: weights, optimizer, averages, metrics and "
                "predictions are equal to the byte to those of a training without a kill"
            )
        else:
            said = f"not the same after {len(self.kills)} kills: " + "; ".join(self.differences)
        return f"{table}\n\n{said} ({chosen}; {self.seconds:.0f} s)"


def verify_resume(
    *,
    kills: int = 6,
    seed: int = 0,
    mode: str = "full",
    precision: str = "auto",
    threads: int | None = None,
    say: Say = unsaid,
) -> Survival:
    """Kill a small training ``kills`` times, and compare it with one that was left alone.

    Everything is written to a temporary folder. ``seed`` decides the instants, ``mode`` (full or
    sequential), ``precision`` and ``threads`` are the training's. Raises :class:`CheckFailed` where
    a killed training does not go on at all, and :class:`DeviceError` where no process can be killed
    so.
    """
    began = time.monotonic()
    generator = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="cnnlab-verify-", ignore_cleanup_errors=True) as folder:
        trial = Trial(Path(folder), mode, precision, threads)
        say("training without a kill")
        trial.train_whole()
        found: list[Kill] = []
        apart: list[str] = []
        while len(found) < kills:
            name = f"killed-{len(found)}"
            found += _killed_to_its_end(trial, name, generator, kills - len(found), say)
            apart += trial.differences(name)
        config = trial.whole.config
        return Survival(
            tuple(found),
            tuple(apart),
            {key: config[key] for key in ("device", "precision")}
            | {"threads": f"threads: {config['threads']}"},
            step_of_newest(trial.whole) or 0,
            time.monotonic() - began,
        )


def _killed_to_its_end(
    trial: Trial, name: str, generator: np.random.Generator, kills: int, say: Say
) -> list[Kill]:
    """Kill one run up to so many times, until it comes to its end."""
    found: list[Kill] = []
    within = min(_SPREAD * trial.training_seconds / kills, trial.training_seconds)
    while len(found) < kills:
        kill = trial.kill_at_random(name, generator, within)
        if kill is None:
            return found
        found.append(kill)
        say(f"killed while {kill.hit}, resuming")
    trial.finish(name)
    return found
