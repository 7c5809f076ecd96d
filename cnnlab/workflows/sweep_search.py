"""The search of a sweep, then the confirmation of its best: who is trained next, and for how long.

Both hand jobs to an executor and take what it says; whatever was cut off comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.errors import FailedError, InputError, StorageError
from cnnlab.sweeps import BASELINE, FreshRun, Trial
from cnnlab.training.stages import Length, plan_stages
from cnnlab.workflows.continued import existing_run
from cnnlab.workflows.executors import Executor, Job, JobEnd, never_stop
from cnnlab.workflows.seeds import group_record
from cnnlab.workflows.sweep_study import Study, fresh_name, trial_name

__all__ = ["ConfirmationPhase", "SearchPhase"]

#: So many trials in a row that all failed have a common cause.
_MOST_FAILURES = 8
_OUT_OF_TIME = "the sweep's time for search was over"


class SearchPhase:
    """Trials, each a configuration that the sampler proposes, the base configuration first."""

    def __init__(self, study: Study, executor: Executor) -> None:
        self._study, self._slots = study, executor.slots
        self._executor = executor
        self._by_name: dict[str, Trial] = {}
        self._cut_off = list(study.history.unended())

    def run(self) -> None:
        """Search until the budget, or the sampler, has no more."""
        self._study.phase = "search"
        self._executor.run(self._next_job, self._epoch, self._end)

    def _next_job(self) -> Job | None:
        while self._cut_off:
            trial = self._cut_off.pop(0)
            job = self._job(trial, self._config(trial))
            if not self._over_already(trial, job):
                return job
        return self._new_job()

    def _over_already(self, trial: Trial, job: Job) -> bool:
        """Take in the epochs that a kill kept out of the journal; end it where it was to end."""
        run = existing_run(job.config, job.runs)
        for record in run.metrics if run is not None else []:
            if self._epoch(job, record):
                break
        if trial.pruned and (run is None or run.result is None):
            self._study.end(trial, "pruned")
            return True
        return False

    def _new_job(self) -> Job | None:
        study, budget = self._study, self._study.plan.budget
        while budget.may_start(
            study.clock, len(study.history.trials), study.history.full_seconds(), self._slots
        ):
            self._check_failures()
            number = len(study.history.trials)
            params = self._ask(number)
            if params is None:
                break
            study.start(number, params)
            trial = study.history.trials[number]
            try:
                config = self._config(trial)
            except InputError as error:  # each value is right by itself, but not together
                study.end(trial, "failed", str(error))
                continue
            return self._job(trial, config)
        return None

    def _ask(self, number: int) -> Mapping[str, Any] | None:
        if number == BASELINE:
            return self._study.engine.replay(number, self._study.plan.base)
        return self._study.engine.ask(number)

    def _config(self, trial: Trial) -> RunConfig:
        """The base configuration is what was asked for, whatever the space has."""
        return self._study.plan.config({} if trial.number == BASELINE else trial.params)

    def _job(self, trial: Trial, config: RunConfig) -> Job:
        plan, name = self._study.plan, trial_name(trial.number)
        named = config.updated(name=name)
        self._by_name[name] = trial
        group = group_record(plan.name, named) | {"trial": trial.number}
        return Job(named, plan.runs, group)

    def _epoch(self, job: Job, record: Mapping[str, Any]) -> bool:
        trial = self._by_name[job.name]
        last = _is_last(job, record)
        if self._study.epoch(trial, record, last=last):
            return True
        return not last and trial.number != BASELINE and self._late()

    def _late(self) -> bool:
        study = self._study
        ends = study.plan.budget.search_ends(study.history.full_seconds(), self._slots)
        return study.clock > ends

    def _end(self, end: JobEnd) -> None:
        trial = self._by_name[end.job.name]
        if isinstance(end.error, StorageError):  # the next one would fail of it, too
            raise end.error
        if end.outcome == "done":
            self._study.end(trial, "finished")
        elif end.outcome == "failed":
            self._study.end(trial, "failed", end.said)
        elif trial.pruned:
            self._study.end(trial, "pruned")
        else:
            self._study.end(trial, "stopped", _OUT_OF_TIME)

    def _check_failures(self) -> None:
        """Raise :class:`FailedError` where trials fail one after the other."""
        last = [trial for trial in self._study.history.trials.values() if trial.state != "running"]
        recent = last[-_MOST_FAILURES:]
        if len(recent) == _MOST_FAILURES and all(trial.state == "failed" for trial in recent):
            raise FailedError(
                f"{_MOST_FAILURES} trials in a row failed, the last one: {recent[-1].said}",
                where=self._study.plan.folder,
                todo="correct the space or the base configuration, and begin another sweep",
            )


def _is_last(job: Job, record: Mapping[str, Any]) -> bool:
    """Whether a training has no epoch to go after this one."""
    training = job.config.training
    stages = training.stages or 1 if training.mode == "sequential" else 1
    epochs, run = training.epochs, existing_run(job.config, job.runs)
    if training.steps is not None and run is not None:
        *_, stage = plan_stages(run.rows().train, training)
        epochs = Length.of(len(stage.train), training).epochs
    return bool(record["epoch"] >= epochs and record["stage"] >= stages)


class ConfirmationPhase:
    """The best trials and the base configuration, each trained anew with fresh seeds.

    Seed after seed: whenever the time is over, all candidates have been trained equally often.
    """

    def __init__(self, study: Study, executor: Executor) -> None:
        self._study, self._executor = study, executor
        self._runs: dict[str, FreshRun] = {}

    def run(self) -> None:
        """Train what has not been trained yet, as far as the budget goes."""
        study, plan = self._study, self._study.plan
        study.phase = "confirmation"
        best = study.history.ranked(larger=plan.engine.larger_is_better)
        if not plan.budget.confirm or not plan.budget.seeds or not best:
            return
        chosen = [trial.number for trial in best[: plan.budget.confirm]]
        if BASELINE not in chosen and study.history.trials[BASELINE].state == "finished":
            chosen.append(BASELINE)
        if chosen != study.history.candidates:
            study.note("candidates", trials=chosen)
        jobs = self._jobs(chosen)
        self._executor.run(lambda: next(jobs, None), never_stop, self._end)

    def _jobs(self, chosen: list[int]) -> Iterator[Job]:
        study, budget, slots = self._study, self._study.plan.budget, self._executor.slots
        first = self._base_seed() + 1
        for number in range(budget.seeds):
            seed = first + number
            begun = any((trial, seed) in study.history.fresh for trial in chosen)
            full = study.history.full_seconds()
            if not begun and not budget.may_confirm(study.clock, len(chosen), number, full, slots):
                return
            for trial in chosen:
                job = self._job(trial, seed)
                if job is not None:
                    yield job

    def _base_seed(self) -> int:
        return self._study.plan.config({}).seed

    def _job(self, trial: int, seed: int) -> Job | None:
        """The training of a candidate with a seed; None where it has ended."""
        study, plan = self._study, self._study.plan
        known = study.history.fresh.get((trial, seed))
        if known is not None and known.ended is not None:
            return None
        params = {} if trial == BASELINE else study.history.trials[trial].params
        group = fresh_name(trial)
        config = plan.config(params).updated(name=f"{group}-seed{seed}", seed=seed)
        if known is None:
            study.note("fresh", trial=trial, seed=seed)
        self._runs[str(config.name)] = study.history.fresh[trial, seed]
        return Job(config, plan.runs, group_record(group, config))

    def _end(self, end: JobEnd) -> None:
        run = self._runs[end.job.name]
        if isinstance(end.error, StorageError):
            raise end.error
        value = self._study.value_of(end.job.name) if end.outcome == "done" else None
        self._study.note("done", trial=run.trial, seed=run.seed, value=value, said=end.said)
