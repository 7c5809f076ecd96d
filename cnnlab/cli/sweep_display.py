"""A sweep as a person watches it: a live table, or a line an event where there is no terminal."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from cnnlab.cli.output import note

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from cnnlab.sweeps import Trial
    from cnnlab.workflows.sweep_study import SweepView

__all__ = ["SweepDisplay"]

#: Finished trials in the live table, the best first.
_BEST = 8
_REFRESHES_A_SECOND = 4


class SweepDisplay(AbstractContextManager["SweepDisplay"]):
    """Shows a sweep on standard error; call it with each view."""

    def __init__(self) -> None:
        self._live: Live | None = None

    def __enter__(self) -> SweepDisplay:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                console=Console(stderr=True),
                refresh_per_second=_REFRESHES_A_SECOND,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, view: SweepView) -> None:
        """Show where the sweep stands."""
        if self._live is not None:
            self._live.update(_table(view))
            return
        line = _line(view)
        if line:
            note(line)


def _line(view: SweepView) -> str:
    """What an event is worth saying: beginnings and ends, not epochs."""
    one, clock = view.last, _clock(view.seconds)
    kind = one["event"]
    if kind == "start":
        return f"{clock}  trial {one['trial']}: {_values(one['params'])}"
    if kind == "end":
        trial = view.history.trials[one["trial"]]
        said = f" ({trial.said})" if trial.said else ""
        return f"{clock}  trial {trial.number} {trial.state}{said}: {_figures(view, trial)}"
    if kind == "candidates":
        return f"{clock}  fresh seeds for trials {', '.join(map(str, one['trials']))}"
    if kind == "done":
        value = "failed" if one["value"] is None else f"{one['value']:.4f}"
        return f"{clock}  trial {one['trial']}, seed {one['seed']}: {value}"
    return ""


def _figures(view: SweepView, trial: Trial) -> str:
    objective = view.plan.engine.objective
    value = "-" if trial.last_value is None else f"{trial.last_value:.4f}"
    epochs = len(trial.epochs)
    said = f"{objective} {value} after {epochs} epoch{'' if epochs == 1 else 's'}"
    ranked = view.history.ranked(larger=view.plan.engine.larger_is_better)
    if ranked and ranked[0] is trial:
        said += "  best so far"
    return said


def _values(params: dict[str, Any]) -> str:
    from cnnlab.workflows.sweep_report import value_text

    return ", ".join(f"{key}={value_text(value)}" for key, value in params.items())


def _clock(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


def _table(view: SweepView) -> RenderableType:
    """The best trials, those that run, and how much of the budget is used."""
    from rich.markup import escape
    from rich.table import Table

    from cnnlab.workflows.sweep_report import value_text

    plan, history = view.plan, view.history
    table = Table(title=escape(_title(view)), title_justify="left", caption_justify="left")
    keys = list(plan.space.dimensions)
    for name in ["trial", *keys, plan.engine.objective, "epochs", "state"]:
        table.add_column(escape(name), overflow="fold")
    best = history.ranked(larger=plan.engine.larger_is_better)[:_BEST]
    shown = [*best, *(trial for trial in history.unended() if view.phase == "search")]
    for trial in shown:
        value = "-" if trial.last_value is None else f"{trial.last_value:.4f}"
        cells = [value_text(trial.params.get(key)) for key in keys]
        state = "" if trial.state == "finished" else trial.state
        table.add_row(str(trial.number), *map(escape, cells), value, str(len(trial.epochs)), state)
    table.caption = escape(_caption(view))
    return table


def _title(view: SweepView) -> str:
    budget = view.plan.budget
    time = "" if budget.seconds is None else f" of {_clock(budget.seconds)}"
    trials = "" if budget.trials is None else f" of {budget.trials}"
    count = len(view.history.trials)
    return f"{view.plan.name}: {view.phase}, {count}{trials} trials, {_clock(view.seconds)}{time}"


def _caption(view: SweepView) -> str:
    history = view.history
    parts = [f"{len(history.ended(state))} {state}" for state in ("finished", "pruned", "failed")]
    fresh = [run for run in history.fresh.values() if run.ended is not None]
    if history.candidates:
        planned = len(history.candidates) * view.plan.budget.seeds
        parts.append(f"{len(fresh)} of {planned} trainings on fresh seeds")
    return ", ".join(parts)
