"""From what a user asked for to a configuration: defaults, model, recipe, file, options, --set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.config import RunConfig, make_config
from cnnlab.config_layers import lay
from cnnlab.errors import ConfigError
from cnnlab.models import load_model_file
from cnnlab.recipes import load_recipe
from cnnlab.runs import Run, open_run
from cnnlab.settings import load_yaml, merge, with_overrides
from cnnlab.workflows.fine_tuning import fine_tuning, inherited

__all__ = ["asked_settings", "configure"]


def configure(
    *,
    recipe: str | None = None,
    file: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    runs: Path = Path("runs"),
) -> RunConfig:
    """Lay settings one on the other; the later wins.

    Parameters
    ----------
    recipe: the name of a recipe.
    file: a YAML file, e.g. a run's ``config.yaml``.
    settings: nested settings, e.g. ``{"training": {"epochs": 3}}``.
    overrides: texts as ``--set`` takes them, e.g. ``"optimizer.lr=0.01"``.
    labels: what errors call a key, e.g. ``{"training.epochs": "--epochs"}``.
    runs: where ``init.run`` is looked for by its name.

    Below them all stand the package's defaults and those that the model brings along (the zoo's
    say how the report trained each), or, where training starts from a run, those that fit it.
    """
    # First what the user says is put together, then it is laid on the model's own settings: a
    # rate from a file stays beside an optimizer named as an option.
    asked = asked_settings(recipe=recipe, file=file, settings=settings, overrides=overrides)
    init = asked.get("init")
    if isinstance(init, Mapping):
        base = _base_run(init, runs, labels or {})
        asked = merge(asked, {"init": {"run": str(base.path.resolve())}})
        defaults = inherited(base, _named(asked, "data", "source"))
        defaults |= fine_tuning(init.get("freeze"))
    else:
        name = _named(asked, "model", "name")
        defaults = _model_defaults(RunConfig().model.name if name is None else str(name))
    return make_config([defaults, asked], where=str(file or "configuration"), labels=labels)


def asked_settings(
    *,
    recipe: str | None = None,
    file: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """What a user says, put together and unchecked; see :func:`configure`."""
    layers = [load_recipe(recipe)] if recipe else []
    if file is not None:
        layers.append(load_yaml(file))
    return lay([*layers, with_overrides(settings or {}, overrides)])


def _named(settings: Mapping[str, Any], section: str, key: str) -> Any:
    """What a section says of a key; None where it is not there."""
    content = settings.get(section)
    return content.get(key) if isinstance(content, Mapping) else None


def _base_run(init: Mapping[str, Any], runs: Path, labels: Mapping[str, str]) -> Run:
    if not init.get("run"):
        raise ConfigError(
            "there is no run to start from",
            where=next((labels[f"init.{key}"] for key in init if f"init.{key}" in labels), "init"),
            todo="name one with --init RUN",
        )
    return open_run(str(init["run"]), runs=runs)


def _model_defaults(name: str) -> dict[str, Any]:
    """How a model's own file says that it is to be trained."""
    return {"model": {"name": name}, **load_model_file(name).settings()}
