"""Stages, epochs, early stopping, checkpoints: the order in which training happens."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.config import EarlyStoppingConfig, RunConfig, make_config
from cnnlab.device import memory_errors, set_up_torch
from cnnlab.errors import CnnlabError, Interrupted, RunError
from cnnlab.files import exclusive_lock, storage_errors, write_json
from cnnlab.runs import Run
from cnnlab.runs.run import Record
from cnnlab.settings import changed_keys
from cnnlab.training.batches import Batches
from cnnlab.training.checkpoint import latest_checkpoint, left_overs
from cnnlab.training.conditions import check_conditions
from cnnlab.training.epoch import EpochRunner
from cnnlab.training.events import EpochDone, Notice, RunOpened, Watcher, unwatched
from cnnlab.training.fitter import Fitter
from cnnlab.training.monitor import ResourceMonitor
from cnnlab.training.prepare import Prepared, prepare_new_run, prepare_resumed_run
from cnnlab.training.records import write_progress
from cnnlab.training.signals import StopRequest
from cnnlab.training.stages import Stage, plan_stages
from cnnlab.training.state import Clock, EpochSums, Patience
from cnnlab.training.time_forecast import TimeForecast

__all__ = ["resume", "train"]

#: Epochs shorter than this share a checkpoint: flushing files would take longer than training.
_EPOCH_SAVE_SECONDS = 1.0

#: What a checkpoint raises that is whole, and of something else.
_OTHER_CONTENT = (LookupError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError)

#: Who asks whether a run is in use touches its lock for a moment.
_LOCK_SECONDS = 0.3


def train(
    config: RunConfig,
    runs: Path = Path("runs"),
    watch: Watcher = unwatched,
    *,
    group: Record | None = None,
) -> Run:
    """Train a new run in the folder ``runs`` and return it.

    ``group`` says of which group of seeds it is, for its ``group.json``.

    Raises what cannot be used (``InputError``) before the run directory exists; afterwards
    ``DivergedError``, ``StorageError``, ``MemoryLimitError`` or ``Interrupted``, with the last
    checkpoint kept.
    """
    return _fit(prepare_new_run(config, runs, watch, group=group), watch)


def resume(run: Run, watch: Watcher = unwatched, *, inexact: bool = False) -> Run:
    """Go on with a run that was cut off; one that has ended is returned as it is.

    Where the machine or its software would give other weights than those of an uninterrupted
    training, it is refused, unless ``inexact``.
    """
    if run.result is not None and run.status != "failed":
        watch(Notice(f"nothing to do: {run.path} has ended ({run.result['stopped_because']})"))
        watch(RunOpened(run.path))
        return run
    check_conditions(run, watch, inexact=inexact)
    return _fit(prepare_resumed_run(run, watch), watch)


def _fit(prepared: Prepared, watch: Watcher) -> Run:
    run = prepared.run
    set_up_torch(prepared.config.threads or 1)
    with ExitStack() as stack:
        lock = exclusive_lock(run.lock_file, wait_seconds=_LOCK_SECONDS, holder="training")
        stack.enter_context(lock)
        stop = stack.enter_context(StopRequest(run.stop_file))
        stack.enter_context(memory_errors("training"))
        loop = _Loop(prepared, watch, stop)
        loop.restore()
        watch(RunOpened(run.path))
        stack.enter_context(ResourceMonitor(run, loop.fitter.state.position))
        try:
            with memory_errors("training"):
                loop.fit()
        except Interrupted:
            raise
        except CnnlabError as error:
            loop.finish("failed", str(error))
            raise
    return run


class _Loop:
    """One training from its first step, or its checkpoint, to its end."""

    def __init__(self, prepared: Prepared, watch: Watcher, stop: StopRequest) -> None:
        self.run, self.config, self.watch, self.stop = prepared.run, prepared.config, watch, stop
        self.prepared = prepared
        self.stages = plan_stages(prepared.split.train, prepared.config.training)
        self.fitter = Fitter(prepared)
        self.clock = Clock()
        self._time = TimeForecast(
            self.run,
            self.stages,
            prepared.config.training,
            image_size=prepared.preprocessing.image_size,
            validation_images=len(prepared.split.validation),
            watch=watch,
        )
        self._saved_at = time.monotonic()

    def restore(self) -> None:
        """Take up the newest checkpoint that verifies, or start anew where there is none."""
        found = latest_checkpoint(self.run)
        if found is not None:
            tensors, header, damaged = found
            for name in damaged:
                self.watch(Notice(f"checkpoint {name} is damaged; the one before it is used"))
            try:
                self._check_unchanged(header["config"])
                self.fitter.restore(tensors, header)
            except _OTHER_CONTENT as error:
                raise RunError(
                    "the newest checkpoint does not fit the run",
                    where=self.run.checkpoints,
                    todo="remove it to go on from the one before, or train the run again",
                ) from error
            clock = Clock.read(self._clock_file)
            if clock is None:
                self.watch(Notice("clock.json is missing or damaged; time is counted from here"))
            self.clock = clock or Clock()
        elif self.prepared.transplant is not None:
            self._save()  # from here on the run that it starts from may change or go
        for file in ("metrics.jsonl", "timing.jsonl"):
            self.run.keep_lines(file, self.fitter.state.epochs_done)
        # What was said of earlier weights is no longer true of this run; and a kill may leave
        # half of a checkpoint, as large as a whole one.
        said = [self.run.path / "result.json", *self.run.path.glob("predictions/*")]
        for stale in [*said, *left_overs(self.run)]:
            with storage_errors(stale):
                stale.unlink(missing_ok=True)
        write_progress(self.run)

    def _check_unchanged(self, saved: dict[str, Any]) -> None:
        # Checked first, so that a setting that came later has its default on both sides.
        before = make_config([saved], where=f"{self.run.checkpoints}, the newest checkpoint")
        changed = changed_keys(before.to_dict(), self.config.to_dict())
        if changed:
            raise RunError(
                f"changed since the training was cut off: {', '.join(changed)}",
                where=self.run.path / "config.yaml",
                todo="put the old values back, or train a new run with --config",
            )

    @property
    def _clock_file(self) -> Path:
        return self.run.checkpoints / "clock.json"

    def fit(self) -> None:
        """Run all stages from where the state stands."""
        state, place = self.fitter.state, self.fitter.state.position
        while place.stage <= len(self.stages) and not self._out_of_time():
            self._fit_stage(self.stages[place.stage - 1])
            state.stopped_because = self._why_stage_ended()
            place.stage, place.epoch = place.stage + 1, 1
            state.patience = Patience()
            if place.stage <= len(self.stages):
                self.fitter.start_stage()
                self._save()
        self._save()
        self.finish("finished", state.stopped_because or self._why_stage_ended())

    def _fit_stage(self, stage: Stage) -> None:
        place = self.fitter.state.position
        batches = Batches(
            self.prepared.dataset,
            stage.train,
            self.config.training,
            self.prepared.preprocessing,
            seed=self.config.seed,
            device=self.fitter.device,
        )
        runner = EpochRunner(self.fitter, batches, self.clock, self.watch, stages=len(self.stages))
        weights = self.fitter.loss_weights(stage.train)
        epochs = batches.length.epochs
        while place.epoch <= epochs and not self._early_stop():
            whole = runner.run(weights, self._pause)
            if not whole and not self._out_of_time():
                self._interrupt()
            self._end_epoch(stage, epochs)
            if self._out_of_time():
                break

    def _early_stop(self) -> bool:
        return self.fitter.state.patience.exhausted(self.config.training.early_stopping)

    def _why_stage_ended(self) -> str:
        if self._out_of_time():
            return f"time limit of {self.config.training.time_limit_seconds:g} s"
        if self._early_stop():
            return f"no better epoch in {self.fitter.state.patience.waited}"
        return "all epochs done"

    def _pause(self) -> bool:
        """After a step: save where it is time to, and say whether to stop here."""
        self._time.step_done(self.fitter.state.position.total_steps)
        if time.monotonic() - self._saved_at > self.config.training.checkpoint_every_seconds:
            self._save()
        return self.stop.asked or self._out_of_time()

    def _out_of_time(self) -> bool:
        limit = self.config.training.time_limit_seconds
        return limit is not None and self.clock.train_seconds >= limit

    def _interrupt(self) -> None:
        self._save()
        raise Interrupted(
            f"interrupted; {self.run.path} is saved up to this step",
            exit_code=self.stop.exit_code,
            todo=f"go on with: cnnlab train --resume {self.run.path}",
        )

    def _save(self) -> None:
        write_json(self._clock_file, asdict(self.clock))
        self.fitter.save_last()
        self._saved_at = time.monotonic()

    def _epoch_record(self) -> dict[str, Any]:
        """The epoch's line of ``metrics.jsonl`` as far as training itself says it."""
        state, place = self.fitter.state, self.fitter.state.position
        return {
            "stage": place.stage,
            "epoch": place.epoch,
            "step": place.total_steps,
            "lr": self.fitter.optimizer.param_groups[0]["lr"],
            "train_loss": state.sums.loss / state.sums.seen,
            "train_accuracy": state.sums.correct / state.sums.seen,
        }

    def _end_epoch(self, stage: Stage, epochs: int) -> None:
        state, place = self.fitter.state, self.fitter.state.position
        record, seconds = self._epoch_record(), self.clock.epoch_seconds
        rate = state.sums.seen / max(seconds, 1e-9)
        watched = place.epoch % self.config.training.watch_every == 0
        over = place.epoch == epochs or self._out_of_time()
        best = (watched or over) and self._evaluate(stage, record)
        spent = {"seconds": round(seconds, 3), "images_per_second": round(rate, 1)}
        self.run.append("metrics.jsonl", record)
        self.run.append("timing.jsonl", {"stage": place.stage, "epoch": place.epoch, **spent})
        state.epochs_done += 1
        state.sums = EpochSums()
        self.clock.epoch_seconds = 0.0
        place.epoch, place.step = place.epoch + 1, 0
        if time.monotonic() - self._saved_at > _EPOCH_SAVE_SECONDS:
            self._save()
            write_progress(self.run)
        self.watch(EpochDone(len(self.stages), epochs, record, seconds, rate, best))
        if self.stop.asked_now():
            self._interrupt()

    def _evaluate(self, stage: Stage, record: dict[str, Any]) -> bool:
        """Measure what is watched, add it to the record, keep the weights where they count."""
        training = self.config.training
        inner = len(stage.inner) > 0
        rows = np.sort(stage.inner) if inner else self.prepared.split.validation
        monitor = training.early_stopping or EarlyStoppingConfig(monitor="accuracy")
        better = True
        if len(rows):
            name = "inner" if inner else "validation"
            loss, accuracy = self.fitter.measure(rows)
            record[f"{name}_loss"], record[f"{name}_accuracy"] = loss, accuracy
            better = self.fitter.state.patience.judge(
                loss if monitor.monitor == "loss" else accuracy,
                record["epoch"],
                larger=monitor.monitor == "accuracy",
                min_delta=monitor.min_delta,
            )
        if better or training.weights == "last":
            self.fitter.save_best({key: record[key] for key in ("stage", "epoch", "step")})
            self.fitter.state.chosen_epoch = {key: record[key] for key in ("stage", "epoch")}
        return better

    def finish(self, status: str, reason: str) -> None:
        """Write how it ended; a failure to write a failure is not worth another error."""
        state = self.fitter.state
        result = {
            "status": status,
            "stopped_because": reason,
            "epochs": state.epochs_done,
            "chosen_epoch": state.chosen_epoch,
            "train_seconds": round(self.clock.train_seconds, 3),
            "images_per_second": round(state.images_done / max(self.clock.train_seconds, 1e-9), 1),
        }
        try:
            write_json(self.run.path / "result.json", result)
            write_progress(self.run)
        except CnnlabError:
            if status == "finished":
                raise
