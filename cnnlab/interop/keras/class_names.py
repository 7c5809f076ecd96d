"""The names of a Keras model's classes, which its file does not hold: given, noted, or numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.data.labels import check_class_names
from cnnlab.data.tree import input_errors, shown
from cnnlab.errors import ConfigError, DataError
from cnnlab.files import is_file

__all__ = ["class_names_of"]

_MOST_BYTES = 8 << 20


def class_names_of(
    given: str | Sequence[str] | None, facts: Mapping[str, Any], count: int, *, where: object
) -> tuple[tuple[str, ...], list[str]]:
    """The names in order, and a note where they are only numbers.

    Parameters
    ----------
    given: names in order; or as text, ``a,b,c`` or the name of a JSON file.
    facts: what cnnlab noted in the file, unchecked.
    count: how many there have to be.

    Raises :class:`ConfigError` for another number of names, and :class:`DataError` for names that
    are empty or stand twice, and for a file that holds none.
    """
    if given is None:
        noted = facts.get("class_names")
        if not isinstance(noted, list) or len(noted) != count:
            note = "the classes have no names in it and are called by their numbers; --classes a,b"
            return tuple(map(str, range(count))), [f"{note} names them"]
        names, source = [str(name) for name in noted], shown(where)
    elif isinstance(given, str):
        names, source = _read(given)
    else:
        names, source = [str(name) for name in given], "classes"
    if len(names) != count:
        raise ConfigError(
            f"{len(names):,} class names",
            where=source,
            expected=f"{count:,}, as many as the model has outputs",
        )
    return check_class_names(names, source), []


def _read(given: str) -> tuple[list[str], str]:
    path = Path(given)
    if not given.lower().endswith(".json") and not is_file(path):
        return [name.strip() for name in given.split(",")], "--classes"
    with input_errors(path), path.open("rb") as stream:
        content = stream.read(_MOST_BYTES)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, Mapping):
        found = _of_mapping(found)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise DataError(
            "no class names in it",
            where=shown(path),
            expected='JSON: ["cat", "dog"], {"cat": 0, "dog": 1} or {"0": "cat", "1": "dog"}',
        )
    return found, shown(path)


def _of_mapping(found: Mapping[str, Any]) -> list[str] | None:
    """Keras's ``class_indices``, name to number, or the same the other way round."""
    pairs = [(value, key) for key, value in found.items()]
    if not all(isinstance(number, int) for number, _ in pairs):
        pairs = [(int(key), value) for key, value in found.items() if key.isdecimal()]
    names = dict(pairs)
    if len(names) != len(found) or sorted(names) != list(range(len(names))):
        return None
    return [names[number] for number in range(len(names))]
