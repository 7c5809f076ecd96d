"""A sweep from its space to its report: the composition behind ``cnnlab tune``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.errors import FailedError, Interrupted, RunError
from cnnlab.files import exclusive_lock, write_text
from cnnlab.reports import DEFAULT_FORMATS, checked_formats, write_document
from cnnlab.reports.sweep import build_sweep
from cnnlab.runs import as_run_name, command_line
from cnnlab.sweeps import (
    BASELINE,
    Budget,
    EngineSettings,
    Space,
    importance_of,
    parse_space,
    read_space,
    require_optuna,
)
from cnnlab.training.events import Watcher, unwatched
from cnnlab.workflows.executors import Executor, InProcess
from cnnlab.workflows.sweep_plan import SweepPlan, keep_plan, plan_sweep, read_plan
from cnnlab.workflows.sweep_report import Tuned, confirmation_of, record_of
from cnnlab.workflows.sweep_search import ConfirmationPhase, SearchPhase
from cnnlab.workflows.sweep_study import Study, SweepView, Watch, trial_name

__all__ = ["Tuned", "resume_sweep", "tune"]

#: Who asks whether a sweep is worked on touches its lock for a moment.
_LOCK_SECONDS = 0.3


def _unseen(view: SweepView) -> None:
    """Nobody watches."""
    del view


def tune(
    space: Space | Mapping[str, Any] | Path | str,
    *,
    name: str | None = None,
    sweeps: Path = Path("sweeps"),
    search: EngineSettings | None = None,
    budget: Budget | None = None,
    recipe: str | None = None,
    file: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    runs: Path = Path("runs"),
    formats: Sequence[str] = DEFAULT_FORMATS,
    executor: Executor | None = None,
    watch: Watch = _unseen,
    notice: Watcher = unwatched,
) -> Tuned:
    """Search a space for a better configuration, and confirm the best on fresh seeds.

    Parameters
    ----------
    space: the path of a space's YAML file, or its content; see ``docs/tune.md``.
    name: of the sweep's folder in ``sweeps``; None: the file's, without its ending.
    search: sampler, pruner, objective, seed; the usual ones where not given.
    budget: time and trials; it has to have an end.
    recipe, file, settings, overrides, labels, runs: the base configuration, as
        :func:`cnnlab.workflows.configure.configure` takes it; it is trial 0.
    formats: what the document is written as: html, md, pdf.
    executor: who trains; None: one after the other, here.
    watch, notice: are told what happens in the sweep, and what the first look at the data says.

    Everything is checked before anything is trained. The objective is of validation; test stays
    closed. The same call again goes on after a kill, and with a larger budget it goes on longer;
    with other settings it is refused (:class:`RunError`), as is a second process on one sweep.
    """
    require_optuna()
    found, text = _space(space)
    folder = sweeps / (name or _stem(space))
    plan = plan_sweep(
        found,
        folder,
        engine=search or EngineSettings(),
        budget=budget or Budget(),
        recipe=recipe,
        file=file,
        settings=settings,
        overrides=overrides,
        labels=labels,
        runs=runs,
        watch=notice,
    )
    return _work(plan, executor, watch, text, formats)


def resume_sweep(
    name: str | Path,
    *,
    sweeps: Path = Path("sweeps"),
    budget: Mapping[str, Any] | None = None,
    formats: Sequence[str] = DEFAULT_FORMATS,
    executor: Executor | None = None,
    watch: Watch = _unseen,
) -> Tuned:
    """Go on with a sweep, by its folder or its name in ``sweeps``.

    ``budget`` has what is to be another than before, by the names of :class:`Budget`.
    """
    require_optuna()
    folder = next((one for one in (Path(name), sweeps / name) if (one / "sweep.yaml").is_file()),
                  sweeps / name)  # fmt: skip
    plan = read_plan(folder)
    if budget:
        changed = Budget(**{**vars(plan.budget), **budget})
        changed.check(finite=plan.engine.sampler == "grid")
        plan = SweepPlan(plan.folder, plan.space, plan.asked, plan.base, plan.engine, changed)
    return _work(plan, executor, watch, None, formats)


def _space(space: Space | Mapping[str, Any] | Path | str) -> tuple[Space, str | None]:
    """The space and, where it came from a file, the file's text."""
    if isinstance(space, Space):
        return space, None
    if isinstance(space, Mapping):
        return parse_space(space), None
    path = Path(space)
    return read_space(path), path.read_text(encoding="utf-8")


def _stem(space: Space | Mapping[str, Any] | Path | str) -> str:
    return Path(space).stem if isinstance(space, Path | str) else "sweep"


def _work(
    plan: SweepPlan,
    executor: Executor | None,
    watch: Watch,
    text: str | None,
    formats: Sequence[str],
) -> Tuned:
    checked = checked_formats(formats)
    if not plan.name or plan.name.startswith("."):
        raise RunError(f"'{plan.name}' names no sweep", where="--name", expected="a folder's name")
    with exclusive_lock(plan.folder / ".lock", wait_seconds=_LOCK_SECONDS, holder="sweep"):
        keep_plan(plan, text)
        study = Study(plan, watch)
        study.note("session")
        trains = executor or InProcess()
        try:
            SearchPhase(study, trains).run()
            ConfirmationPhase(study, trains).run()
        except Interrupted as error:
            raise Interrupted(
                "interrupted; the sweep is saved",
                exit_code=error.exit_code,
                todo="go on with: " + command_line("tune", "--resume", plan.folder),
            ) from None
        return _conclude(study, checked)


def _conclude(study: Study, formats: Sequence[str]) -> Tuned:
    """Who won, the file to train it, and the document."""
    plan, history = study.plan, study.history
    if not history.ranked(larger=plan.engine.larger_is_better):
        said = [trial.said for trial in history.trials.values() if trial.said]
        raise FailedError(
            "no trial was trained to its end" + (f"; the last one: {said[-1]}" if said else ""),
            where=plan.folder,
            todo="give it more time: "
            + command_line("tune", "--resume", plan.folder, "--time", "TIME"),
        )
    confirmation = confirmation_of(plan, history)
    best = plan.folder / "best.yaml"
    name = as_run_name(f"{plan.name}-best")
    record = record_of(
        plan,
        history,
        confirmation,
        importance_of(study.engine, seed=plan.engine.seed),
        command_line("train", "--config", best, "--name", name),
    )
    _write_best(plan, study, record.winner, best)
    files = write_document(build_sweep(record), plan.folder, formats)
    return Tuned(plan, history, record, confirmation, best, files)


def _write_best(plan: SweepPlan, study: Study, winner: int, path: Path) -> None:
    """The winner's configuration, with a line on where it is from."""
    params = {} if winner == BASELINE else study.history.trials[winner].params
    config = plan.config(params).updated(name=None)
    origin = "the base configuration" if winner == BASELINE else f"{trial_name(winner)}"
    write_text(path, f"# The winner of the sweep {plan.name}: {origin}.\n{config.to_yaml()}")
