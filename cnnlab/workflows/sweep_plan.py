"""What a sweep is to do: put together, checked before anything is trained, kept in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.config_layers import lay
from cnnlab.errors import ConfigError, InputError, RunError
from cnnlab.files import write_text
from cnnlab.runs import command_line
from cnnlab.settings import (
    changed_keys,
    dump_yaml,
    load_yaml,
    merge,
    parse_yaml,
    value_at,
    with_overrides,
)
from cnnlab.sweeps import Budget, EngineSettings, Space, parse_pace, parse_space
from cnnlab.training.events import Watcher, unwatched
from cnnlab.training.prepare import decide
from cnnlab.workflows.configure import asked_settings, configure

__all__ = ["SweepPlan", "keep_plan", "plan_sweep", "read_plan"]

_SCHEMA = 1
_FILE = "sweep.yaml"
#: What has to be built to be known as possible; the rest a configuration checks by itself.
_BUILT = ("model", "data", "init")


@dataclass(frozen=True, eq=False)
class SweepPlan:
    """A sweep before its first trial.

    Attributes
    ----------
    folder: where all of it is kept; its name is the sweep's.
    asked: the base configuration's settings, as ``configure`` takes them.
    base: where the base configuration stands in the space's dimensions.
    """

    folder: Path
    space: Space
    asked: Mapping[str, Any]
    base: Mapping[str, Any]
    engine: EngineSettings
    budget: Budget

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def runs(self) -> Path:
        """The folder of run directories."""
        return self.folder / "runs"

    @property
    def journal(self) -> Path:
        """What happened, an event a line."""
        return self.folder / "study.jsonl"

    def config(self, params: Mapping[str, Any]) -> RunConfig:
        """The configuration with these values; raises what a user's would raise."""
        return configure(settings=lay([self.asked, self.space.settings(params)]))

    def identity(self) -> dict[str, Any]:
        """What may not change between the sessions of one sweep."""
        return {
            "search": self.engine.to_dict(),
            "space": {key: one.to_dict() for key, one in self.space.dimensions.items()},
            "asked": dict(self.asked),
        }

    def to_dict(self) -> dict[str, Any]:
        """The content of ``sweep.yaml``."""
        return {
            "schema_version": _SCHEMA,
            **self.identity(),
            "base": dict(self.base),
            "budget": asdict(self.budget),
        }


def plan_sweep(
    space: Space,
    folder: Path,
    *,
    engine: EngineSettings,
    budget: Budget,
    recipe: str | None = None,
    file: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    runs: Path = Path("runs"),
    watch: Watcher = unwatched,
) -> SweepPlan:
    """Put a sweep together; every key and every choice is held against the configuration.

    The base configuration is, from below: recipe, file, what the space fixes, ``settings`` and
    ``overrides``; ``runs`` is where ``init.run`` is looked for. Where the folder holds a sweep
    already, it has to be this one (:class:`RunError`), with whatever budget.
    """
    engine.check()
    budget.check(finite=engine.sampler == "grid")
    if engine.sampler == "grid":
        space.combinations()
    below = asked_settings(recipe=recipe, file=file)
    asked = lay([below, space.fixed, with_overrides(settings or {}, overrides)])
    config = configure(settings=asked, labels=labels, runs=runs)
    decided = decide(config, runs, watch)
    if not len(decided.split.validation):
        raise ConfigError(
            "there is no validation image to judge by", where="data.validation", expected="some"
        )
    built = decided.config.updated(model={"params": decided.start.architecture.params})
    plan = SweepPlan(
        folder=folder,
        space=space,
        asked=_settled(asked, decided.config),
        base={key: value_at(built.to_dict(), key) for key in space.dimensions},
        engine=engine,
        budget=budget,
    )
    if (folder / _FILE).exists():
        _check_same(read_plan(folder), plan)
    else:
        _check_space(plan)
    return plan


def _settled(asked: Mapping[str, Any], config: RunConfig) -> dict[str, Any]:
    """With paths that hold from any folder."""
    resolved = config.to_dict()
    named = [key for key in ("data.source", "model.name", "init.run") if value_at(asked, key)]
    settled = dict(asked)
    for key in named:
        section, name = key.split(".")
        settled = merge(settled, {section: {name: resolved[section][name]}})
    return settled


def _check_space(plan: SweepPlan) -> None:
    """Hold every value against the configuration, one at a time, and build what is a network."""
    for key, value in plan.space.probes():
        try:
            config = plan.config({key: value})
            if key.split(".")[0] in _BUILT:
                decide(config, plan.runs, unwatched)
        except InputError as error:
            raise _refused(error, plan.space, key, value) from None


def _refused(error: InputError, space: Space, key: str, value: Any) -> InputError:
    """The configuration's complaint, with the space's file and key before it."""
    where = f"{space.where}, {key}"
    if isinstance(error.where, str) and error.where.endswith(f", {key}"):
        what = error.what
    else:
        at = "" if error.where is None else f"{error.where}: "
        what = f"{value!r} cannot be used: {at}{error.what}"
    return type(error)(what, where=where, expected=error.expected, todo=error.todo)


def keep_plan(plan: SweepPlan, text: str | None = None) -> None:
    """Write ``sweep.yaml``, and ``space.yaml`` (the user's own ``text`` where there is one)."""
    if not (plan.folder / "space.yaml").exists():
        write_text(plan.folder / "space.yaml", text or dump_yaml(plan.space.to_dict()))
    write_text(plan.folder / _FILE, dump_yaml(plan.to_dict()))


def read_plan(folder: Path) -> SweepPlan:
    """Read a sweep's plan back from its folder; :class:`RunError` where it holds none."""
    path = folder / _FILE
    if not path.is_file():
        raise RunError(
            "no sweep", where=folder, expected=f"a folder with a {_FILE}", todo="check the name"
        )
    content = load_yaml(path)
    if content.get("schema_version") != _SCHEMA:
        raise RunError(
            f"schema version {content.get('schema_version')}",
            where=path,
            expected=str(_SCHEMA),
            todo="use the cnnlab that began the sweep",
        )
    try:
        search, budget = dict(content["search"]), dict(content["budget"])
        pace = parse_pace(str(search.pop("prune_after")))
        known = {field.name for field in fields(Budget)}
        return SweepPlan(
            folder=folder,
            space=parse_space(content["space"], where=str(path)),
            asked=dict(content["asked"]),
            base=dict(content["base"]),
            engine=EngineSettings(**search, pace=pace),
            budget=Budget(**{key: value for key, value in budget.items() if key in known}),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"damaged ({type(error).__name__} {error})", where=path, todo="begin another sweep"
        ) from None


def _check_same(before: SweepPlan, plan: SweepPlan) -> None:
    # Written and read back, so that what came from Python says a list the same way.
    wanted = parse_yaml(dump_yaml(plan.identity()), where=plan.folder)
    changed = changed_keys(before.identity(), wanted)
    if changed:
        raise RunError(
            f"holds a sweep with other settings: {', '.join(changed)} differ",
            where=plan.folder,
            todo="choose another --name, or go on with: "
            + command_line("tune", "--resume", plan.folder),
        )
