"""Where the values of the report's models come from, and the figures that the report gives."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

from cnnlab.errors import ArchitectureError
from cnnlab.models.catalogue import ZOO, load_model_file
from cnnlab.models.layers.arguments import shown

__all__ = ["MARKS", "Origin", "provenance_of", "report_figures"]

#: "stated" in the report, "inferred" from its figures, or "assumed".
MARKS = ("stated", "inferred", "assumed")


class Origin(NamedTuple):
    """One value of a model file, e.g. ``layers.7.rate``, 0.5, "inferred" and the reason."""

    path: str
    value: object
    mark: str
    why: str


def provenance_of(name: str | os.PathLike[str]) -> list[Origin]:
    """Return the origin of every value in a model's layers and training settings.

    Paths are dotted, layers counted from 0. The first pattern of the file's ``provenance`` that
    fits a path tells its origin; values that none fits are left out, so a model without
    ``provenance`` gives an empty list. Raises :class:`ArchitectureError` for an unknown mark.
    """
    model = load_model_file(name)
    patterns = {
        pattern: _origin(pattern, entry, where=model.source)
        for pattern, entry in model.provenance.items()
    }
    content = {
        "layers": list(model.layers),
        "training": model.training,
        "optimizer": model.optimizer,
        "schedule": model.schedule,
        **({"normalization": model.normalization} if model.normalization else {}),
    }
    found = []
    for path, value in _leaves(content, ""):
        first = next(
            (mark for pattern, mark in patterns.items() if fnmatchcase(path, pattern)), None
        )
        if first is not None:
            found.append(Origin(path, value, *first))
    return found


def _origin(pattern: str, entry: object, *, where: str) -> tuple[str, str]:
    if isinstance(entry, Mapping) and set(entry) == {"mark", "why"} and entry["mark"] in MARKS:
        return entry["mark"], str(entry["why"])
    raise ArchitectureError(
        f"provenance of '{pattern}' is {shown(entry)}",
        where=where,
        expected=f"{{mark: {' | '.join(MARKS)}, why: TEXT}}",
    )


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Every plain value inside ``value`` with its dotted path."""
    items: Any = None
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    if items is None:
        yield path, value
        return
    for key, item in items:
        yield from _leaves(item, f"{path}.{key}" if path else str(key))


@cache
def _figures_text() -> str:
    return (ZOO / "report_figures.json").read_text(encoding="utf-8")


def report_figures() -> dict[str, Any]:
    """Return the report's figures: ``source``, ``split`` and ``models``.

    Each model has its layer table (``layers``: name, type, output shape, parameters), accuracies,
    confusion matrices (rows are true classes), optimizer and minutes; model F also its test.
    """
    return dict(json.loads(_figures_text()))
