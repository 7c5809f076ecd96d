"""Stages, epochs, early stopping, checkpoints: the order in which training happens."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.config import EarlyStoppingConfig, RunConfig
from cnnlab.device import memory_errors, set_up_torch
from cnnlab.errors import CnnlabError, Interrupted
from cnnlab.files import exclusive_lock
from cnnlab.ranks import rank_errors, world
from cnnlab.runs import Run, command_line
from cnnlab.runs.run import Record
from cnnlab.training.batches import Batches
from cnnlab.training.conditions import check_conditions
from cnnlab.training.council import Council
from cnnlab.training.epoch import EpochRunner
from cnnlab.training.events import EpochDone, Notice, RunOpened, Watcher, unwatched
from cnnlab.training.fitter import Fitter
from cnnlab.training.journal import Journal, UnwrittenJournal
from cnnlab.training.monitor import ResourceMonitor
from cnnlab.training.prepare import Prepared, prepare_new_run
from cnnlab.training.prepare_resumed import prepare_resumed_run
from cnnlab.training.replica import said_of_ranks
from cnnlab.training.signals import StopRequest
from cnnlab.training.stages import Stage, plan_stages
from cnnlab.training.state import Clock, EpochSums, Patience
from cnnlab.training.taking_up import take_up

__all__ = ["resume", "take_part", "train"]

#: Epochs shorter than this share a checkpoint: flushing files would take longer than training.
_EPOCH_SAVE_SECONDS = 1.0

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
    ``DivergedError``, ``StorageError``, ``MemoryLimitError``, ``RankError`` or ``Interrupted``,
    with the last checkpoint kept.
    """
    return _lead(prepare_new_run(config, runs, watch, group=group), watch)


def resume(run: Run, watch: Watcher = unwatched, *, inexact: bool = False) -> Run:
    """Go on with a run that was cut off; one that has ended is returned as it is.

    Where the machine or its software would give other weights than those of an uninterrupted
    training, it is refused, unless ``inexact``.
    """
    if run.result is not None and run.status != "failed":
        watch(Notice(f"nothing to do: {run.path} has ended ({run.result['stopped_because']})"))
        watch(RunOpened(run.path))
        return run
    changed = check_conditions(run, watch, inexact=inexact)
    return _lead(prepare_resumed_run(run, watch), watch, changed)


def take_part(run: Run) -> Run:
    """Train a run together with rank 0, which has made it or goes on with it."""
    return _fit(prepare_resumed_run(run, unwatched), unwatched)


def _lead(prepared: Prepared, watch: Watcher, changed: Sequence[str] = ()) -> Run:
    """Train, together with the other ranks where there are any.

    ``changed``: conditions that are others than those that the run was trained under so far.
    """
    ranks = world()
    if ranks.size > 1:
        watch(Notice(said_of_ranks(prepared.config)))
    ranks.announce(prepared.run.path)
    return _fit(prepared, watch, changed)


def _fit(prepared: Prepared, watch: Watcher, changed: Sequence[str] = ()) -> Run:
    run, ranks = prepared.run, world()
    set_up_torch(prepared.config.threads or 1)
    with ExitStack() as stack:
        if ranks.leads:
            lock = exclusive_lock(run.lock_file, wait_seconds=_LOCK_SECONDS, holder="training")
            stack.enter_context(lock)
        stop = stack.enter_context(StopRequest(run.stop_file if ranks.leads else None))
        stack.enter_context(memory_errors("training"))
        lost = rank_errors(
            what=f"{run.path} is saved up to its last checkpoint", todo=_how_to_go_on(run)
        )
        stack.enter_context(lost)
        loop = _Loop(prepared, watch, stop)
        loop.restore()
        if changed:
            steps = loop.fitter.state.position.total_steps
            run.append("inexact.jsonl", {"after_step": steps, "changed": list(changed)})
        watch(RunOpened(run.path))
        if ranks.leads:
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


def _how_to_go_on(run: Run) -> str:
    return f"go on with: {command_line('train', '--resume', run.path)}{world().option}"


class _Loop:
    """One training from its first step, or its checkpoint, to its end."""

    def __init__(self, prepared: Prepared, watch: Watcher, stop: StopRequest) -> None:
        self.run, self.config, self.watch = prepared.run, prepared.config, watch
        self.prepared = prepared
        self.stages = plan_stages(prepared.split.train, prepared.config.training)
        self.fitter = Fitter(prepared)
        self.clock = Clock()
        self.ranks = world()
        self.council = Council(self.ranks, stop) if self.ranks.size > 1 else None
        self.stop_request, self.stop = stop, self.council or stop
        journal = Journal if self.ranks.leads else UnwrittenJournal
        self.journal = journal(prepared, self.fitter, self.stages, watch)

    def restore(self) -> None:
        """Take up the newest checkpoint that verifies, or start anew where there is none."""
        if not self.ranks.leads:
            self.ranks.wait()  # until rank 0 has found which one that is
        clock = take_up(self.prepared, self.fitter, self.watch)
        if clock is not None:
            self.clock = clock
        elif self.prepared.transplant is not None:
            self.journal.save(self.clock)  # from here on the run that it starts from may change
        self.journal.begin()
        if self.ranks.leads:
            self.ranks.wait()

    def fit(self) -> None:
        """Run all stages from where the state stands."""
        state, place = self.fitter.state, self.fitter.state.position
        while place.stage <= len(self.stages) and not self._over():
            self._fit_stage(self.stages[place.stage - 1])
            state.stopped_because = self._why_stage_ended()
            place.stage, place.epoch = place.stage + 1, 1
            state.patience = Patience()
            if place.stage <= len(self.stages):
                self.fitter.start_stage()
                self.journal.save(self.clock)
        self.journal.save(self.clock)
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
        runner = EpochRunner(
            self.fitter,
            batches,
            self.clock,
            self.watch,
            stages=len(self.stages),
            council=self.council,
        )
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
        self.journal.step_done(self.clock)
        return self.stop.asked or self._out_of_time()

    def _over(self) -> bool:
        """Whether time is out and nothing half done: a kill may precede an epoch's measurement."""
        state = self.fitter.state
        whole = state.position.step == 0 and state.chosen_epoch is not None
        return whole and self._out_of_time()

    def _out_of_time(self) -> bool:
        limit = self.config.training.time_limit_seconds
        return limit is not None and self.clock.train_seconds >= limit

    def _interrupt(self) -> None:
        self.journal.save(self.clock)
        raise Interrupted(
            f"interrupted; {self.run.path} is saved up to this step",
            exit_code=self.stop.exit_code,
            todo=_how_to_go_on(self.run),
        )

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
        self.journal.write_epoch(record, {"stage": place.stage, "epoch": place.epoch, **spent})
        state.epochs_done += 1
        state.sums = EpochSums()
        self.clock.epoch_seconds = 0.0
        place.epoch, place.step = place.epoch + 1, 0
        self.journal.epoch_done(self.clock, least_seconds=_EPOCH_SAVE_SECONDS)
        self.watch(EpochDone(len(self.stages), epochs, record, seconds, rate, best))
        council, stop = self.council, self.stop_request
        if stop.asked_now() if council is None else council.asked_now(self.clock):
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
        else:
            self.fitter.check_answers(stage.train)
        if better or training.weights == "last":
            self.journal.save_best({key: record[key] for key in ("stage", "epoch", "step")})
            self.fitter.state.chosen_epoch = {key: record[key] for key in ("stage", "epoch")}
        return better

    def finish(self, status: str, reason: str) -> None:
        """Write how it ended."""
        state = self.fitter.state
        self.journal.end(
            {
                "status": status,
                "stopped_because": reason,
                "epochs": state.epochs_done,
                "chosen_epoch": state.chosen_epoch,
                "train_seconds": round(self.clock.train_seconds, 3),
                "images_per_second": round(
                    state.images_done / max(self.clock.train_seconds, 1e-9), 1
                ),
            }
        )
