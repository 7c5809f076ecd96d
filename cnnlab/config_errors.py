"""What pydantic complains of, as one line with the key, the value and the allowed range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cnnlab.errors import ConfigError
from cnnlab.registry import suggestion

__all__ = ["allowed_values", "as_config_error", "section_in"]

_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def as_config_error(
    error: ValidationError, root: type[BaseModel], where: str, labels: Mapping[str, str]
) -> ConfigError:
    """The first complaint, in the words of our settings.

    ``root`` declares the settings, ``where`` names what was read, ``labels`` says what the user
    called a key.
    """
    # A key that is misspelt is also missing under its right name.
    first = min(error.errors(), key=lambda found: found["type"] == "missing")
    if first["type"] == "value_error":
        return ConfigError(first["msg"].removeprefix("Value error, "), where=where)
    keys, section = _declared(root, [str(part) for part in first["loc"]])
    if first["type"] == "extra_forbidden":
        unknown = str(first["loc"][-1])
        return ConfigError(
            f"no setting '{'.'.join([*keys, unknown])}'",
            where=where,
            todo=suggestion(unknown, sorted(section.model_fields)),
        )
    field = section.model_fields[keys[-1]]
    key = ".".join(keys)
    if first["type"] == "missing":
        return ConfigError(f"the key '{key}' is missing", where=where)
    return ConfigError(
        f"the value is {first['input']!r}",
        where=labels.get(key, f"{where}, {key}"),
        expected=allowed_values(field.annotation, field.metadata),
    )


def _declared(root: type[BaseModel], location: Sequence[str]) -> tuple[list[str], type[BaseModel]]:
    """The keys of a location that are fields, and the section that has the last of them.

    Behind a field pydantic appends which member of a union it tried, and in a list the number of
    the item: those are left out. Where a section's key is unknown, the section itself is returned
    with the keys that lead to it.
    """
    keys: list[str] = []
    section, inner = root, root
    for part in location:
        if part.isdigit():
            continue
        if inner is None or part not in inner.model_fields:
            break
        keys.append(part)
        section, inner = inner, section_in(inner.model_fields[part].annotation)
    if len(keys) < sum(not part.isdigit() for part in location) and inner is not None:
        section = inner
    return keys, section


def section_in(annotation: Any) -> Any:
    """The settings class in an annotation, None where it is a plain value's."""
    for item in get_args(annotation) or (annotation,):
        if isinstance(item, type) and issubclass(item, BaseModel):
            return item
    return None


def allowed_values(annotation: Any, metadata: Sequence[Any]) -> str:
    """The values that a field takes: "a whole number, at least 1, at most 100000"."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        return allowed_values(inner, extra)
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(annotation)))
    if origin in (Union, UnionType):
        return " or ".join(allowed_values(item, metadata) for item in get_args(annotation))
    if annotation is type(None):
        return "null"
    if origin is list:
        return f"a list, each item {allowed_values(get_args(annotation)[0], ())}"
    if origin is dict:
        return f"a mapping, each value {allowed_values(get_args(annotation)[1], ())}"
    words = [_KINDS.get(annotation, "a mapping")]
    for item in metadata:
        for constraint in getattr(item, "metadata", None) or [item]:
            words += [
                f"{phrase} {getattr(constraint, name)}"
                for name, phrase in _BOUNDS.items()
                if getattr(constraint, name, None) is not None
            ]
    return ", ".join(words)
