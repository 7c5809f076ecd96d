"""The reference of the settings, from the configuration and the registries themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cnnlab.config import RunConfig
from cnnlab.config_errors import allowed_values, section_in
from cnnlab.data import SOURCES
from cnnlab.data.forms import FORMS
from cnnlab.models import MODELS, load_model_file
from cnnlab.models.builders import BUILDERS, builder_params
from cnnlab.optim import OPTIMIZERS, SCHEDULES
from cnnlab.options import Option
from site_reference.docstrings import markdown_of
from site_reference.tables import code, plain, table

__all__ = ["settings_page"]

_HEAD = """\
# Settings

Everything that decides what a run becomes, with its default and what it may be. A settings file
(`cnnlab train --config FILE`) nests the keys (`training: {epochs: 3}`), `--set` joins them with
dots (`--set training.epochs=3`). A run's `config.yaml` has them all, resolved.
"""


def settings_page() -> str:
    """Every setting, section by section, then the options of what is chosen by name."""
    parts = [_HEAD, *_sections(RunConfig, ""), *_named()]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _sections(section: type[BaseModel], prefix: str) -> Iterator[str]:
    """A chapter for a section and for each section in it."""
    yield f"## {prefix.rstrip('.') or 'At the top'}"
    yield markdown_of(inspect.getdoc(section) or "")
    rows, inner = [], []
    for name, field in section.model_fields.items():
        below = section_in(field.annotation)
        if below is not None:
            inner.append((below, f"{prefix}{name}."))
        default = field.default
        if isinstance(default, BaseModel):
            continue
        shown = "required" if default is PydanticUndefined else code(plain(default))
        allowed = (
            f"see {prefix}{name}" if below else allowed_values(field.annotation, field.metadata)
        )
        rows.append((code(f"{prefix}{name}"), shown, allowed.replace("|", "&#124;")))
    if rows:
        yield table(["setting", "default", "may be"], rows)
    for below, longer in inner:
        yield from _sections(below, longer)


def _named() -> Iterator[str]:
    """What the options are of each optimizer, schedule, data set and model."""
    yield "## Options of optimizers\n\nBeside `optimizer.name`, `lr` and `weight_decay`."
    for name in OPTIMIZERS:
        optimizer = OPTIMIZERS.get(name)
        yield f"### {name}\n\n{_sentence(optimizer.description)}"
        yield _options("optimizer", optimizer.options)
    yield "## Options of schedules\n\nThe rate's shape over a training, beside `schedule.name`."
    for name in SCHEDULES:
        schedule = SCHEDULES.get(name)
        yield f"### {name}\n\n{_sentence(schedule.description)}"
        yield _options("schedule", schedule.options)
    yield "## Options of data\n\nBeside the settings of `data`, by source."
    for name in SOURCES:
        source = SOURCES.get(name)
        yield f"### {name}\n\n{_sentence(source.description)}"
        yield _options("data", source.options)
    yield "### your own images\n\nEach for the forms of [Your own images](../data.md) that have it."
    yield _options("data", {name: one for form in FORMS for name, one in form.options.items()})
    yield "## Models\n\nFor `model.name`, beside the path of a model's YAML file."
    described = {name: load_model_file(name).description for name in MODELS}
    yield table(["model", ""], [(code(name), text) for name, text in described.items()])
    for name in BUILDERS:
        yield f"### Parameters of {name}\n\nFor `model.params`."
        params = builder_params(name).items()
        rows = [(code(f"model.params.{key}"), code(plain(value))) for key, value in params]
        yield table(["setting", "default"], rows)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _options(section: str, options: Mapping[str, Option[Any]]) -> str:
    rows = [
        (code(f"{section}.{name}"), code(plain(one.default)), one.allowed, one.meaning)
        for name, one in options.items()
    ]
    return table(["setting", "default", "may be", "meaning"], rows) if rows else "It has none."
