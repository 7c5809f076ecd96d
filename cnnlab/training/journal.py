"""What a training writes into its run's directory, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from cnnlab.errors import CnnlabError
from cnnlab.files import storage_errors, write_json
from cnnlab.ranks import world
from cnnlab.training.checkpoint import left_overs
from cnnlab.training.events import Watcher
from cnnlab.training.fitter import Fitter
from cnnlab.training.pace import whole_step_seconds
from cnnlab.training.prepare import Prepared
from cnnlab.training.records import write_progress
from cnnlab.training.stages import Stage
from cnnlab.training.state import Clock
from cnnlab.training.time_forecast import TimeForecast

__all__ = ["Journal", "UnwrittenJournal"]


def _whole_step_trial(prepared: Prepared) -> Callable[[], float] | None:
    """How a step with whole images is tried; on processors alone, where nothing is compiled."""
    config = prepared.config
    wanted = config.training.progressive_resizing and config.compile != "on"
    if not wanted or config.device != "cpu" or world().size > 1:
        return None
    return partial(whole_step_seconds, prepared)


class Journal:
    """Writes records, checkpoints, and how it ended."""

    def __init__(
        self, prepared: Prepared, fitter: Fitter, stages: Sequence[Stage], watch: Watcher
    ) -> None:
        self._run, self._fitter = prepared.run, fitter
        self._checkpoint_every = prepared.config.training.checkpoint_every_seconds
        self._time = TimeForecast(
            prepared.run,
            stages,
            prepared.config.training,
            image_size=prepared.preprocessing.image_size,
            validation_images=len(prepared.split.validation),
            watch=watch,
            whole_step=_whole_step_trial(prepared),
        )
        self._saved_at = time.monotonic()

    def begin(self) -> None:
        """Cut the records back to where the state stands, and remove what is no longer true."""
        for file in ("metrics.jsonl", "timing.jsonl"):
            self._run.keep_lines(file, self._fitter.state.epochs_done)
        # What was said of earlier weights is no longer true of this run; and a kill may leave
        # half of a checkpoint, as large as a whole one.
        said = [self._run.path / "result.json", *self._run.path.glob("predictions/*")]
        for stale in [*said, *left_overs(self._run)]:
            with storage_errors(stale):
                stale.unlink(missing_ok=True)
        write_progress(self._run)

    def save(self, clock: Clock) -> None:
        """Write a checkpoint."""
        write_json(Clock.file(self._run), asdict(clock))
        self._fitter.save_last()
        self._saved_at = time.monotonic()

    def save_best(self, facts: dict[str, Any]) -> None:
        """Write the weights that evaluation will use."""
        self._fitter.save_best(facts)

    def step_done(self, clock: Clock) -> None:
        """After a step within an epoch: write a checkpoint where it is time to."""
        self._time.step_done(self._fitter.state.position.total_steps)
        if time.monotonic() - self._saved_at > self._checkpoint_every:
            self.save(clock)

    def write_epoch(self, record: dict[str, Any], timing: dict[str, Any]) -> None:
        """Write an epoch's lines."""
        self._run.append("metrics.jsonl", record)
        self._run.append("timing.jsonl", timing)

    def epoch_done(self, clock: Clock, *, least_seconds: float) -> None:
        """After an epoch: a checkpoint, unless the last one is younger than so many seconds."""
        if time.monotonic() - self._saved_at > least_seconds:
            self.save(clock)
            write_progress(self._run)

    def end(self, result: dict[str, Any]) -> None:
        """Write how it ended; a failure to write a failure is not worth another error."""
        try:
            write_json(self._run.path / "result.json", result)
            write_progress(self._run)
        except CnnlabError:
            if result["status"] == "finished":
                raise


class UnwrittenJournal(Journal):
    """That of a rank that does not lead: it writes nothing."""

    def begin(self) -> None:
        pass

    def save(self, clock: Clock) -> None:
        pass

    def save_best(self, facts: dict[str, Any]) -> None:
        pass

    def step_done(self, clock: Clock) -> None:
        pass

    def write_epoch(self, record: dict[str, Any], timing: dict[str, Any]) -> None:
        pass

    def epoch_done(self, clock: Clock, *, least_seconds: float) -> None:
        pass

    def end(self, result: dict[str, Any]) -> None:
        pass
