"""Which columns of a Parquet file are images and labels: by type, name and what its writer says."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnlab.data.labels import check_class_names
from cnnlab.data.tree import listed, shown
from cnnlab.errors import DataError

__all__ = ["Columns", "choose_columns"]

_IMAGE = ("image", "img", "picture", "photo")
_LABEL = ("label", "labels", "fine_label", "class", "target", "category", "y")


@dataclass(frozen=True)
class Columns:
    """What is read of a file.

    Attributes
    ----------
    image, image_field: the column of encoded images; "bytes" where they are in structs.
    label: the column of labels.
    is_text: whether the labels are text; whole numbers otherwise.
    class_names: the names of numbers, where the file has them.
    """

    image: str
    image_field: str | None
    label: str
    is_text: bool
    class_names: tuple[str, ...] | None


def choose_columns(
    schema: Any, where: str, image: str | None, label: str | None
) -> tuple[Columns, tuple[str, ...]]:
    """Choose the columns of a ``pyarrow.Schema``; ``image`` and ``label`` are the user's choice.

    Images are bytes, alone or in a struct ``{bytes, path}``; labels are whole numbers, with names
    where the Hugging Face metadata in the schema has them, or text. Returns the columns, and the
    names of others that have classes. Raises :class:`DataError` that lists the columns where none
    or several fit.
    """
    fields = {field.name: field.type for field in schema}
    images = [name for name, kind in fields.items() if _is_image(kind)]
    labels = [name for name, kind in fields.items() if _is_text(kind) or _is_number(kind)]
    classes = _classes(schema)
    named = [name for name in classes if name in labels]
    image = _chosen(image, images, _IMAGE, (), "image", fields, where)
    label = _chosen(label, labels, _LABEL, named, "label", fields, where)
    is_text = _is_text(fields[label])
    names = None if is_text else classes.get(label)
    columns = Columns(
        image=image,
        image_field=None if _is_bytes(fields[image]) else "bytes",
        label=label,
        is_text=is_text,
        class_names=names if names is None else check_class_names(names, f"{where}, {label}"),
    )
    return columns, tuple(name for name in named if name != label)


def _chosen(
    wanted: str | None,
    fitting: Collection[str],
    usual: Sequence[str],
    named: Sequence[str],
    role: str,
    fields: Mapping[str, Any],
    where: str,
) -> str:
    """The column that the user names, or that is called as usual, or that alone fits."""
    if wanted is not None:
        if wanted in fitting:
            return wanted
        what = f"column '{shown(wanted)}' holds no {role}s"
        if wanted not in fields:
            what = f"no column is called '{shown(wanted)}'"
    else:
        for choice in ([name for name in usual if name in fitting][:1], named, [*fitting]):
            if len(choice) == 1:
                return choice[0]
        what = f"no column holds {role}s"
        if fitting:
            what = f"it is not clear which column holds the {role}s"
    kinds = {"image": "bytes, or {bytes, path}", "label": "whole numbers or text"}
    raise DataError(
        f"{what} (there are {listed([f'{name}: {kind}' for name, kind in fields.items()])})",
        where=where,
        expected=f"{role}s as {kinds[role]}",
        todo=f"name it: --set data.{role}_column=NAME" if fitting else None,
    )


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _is_image(kind: Any) -> bool:
    from pyarrow import types

    if not types.is_struct(kind):
        return _is_bytes(kind)
    return any(field.name == "bytes" and _is_bytes(field.type) for field in kind)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_boolean(kind))


def _classes(schema: Any) -> dict[str, tuple[str, ...]]:
    """The class names of each column that the ``datasets`` library wrote as a ``ClassLabel``."""
    try:
        written = json.loads((schema.metadata or {})[b"huggingface"])
        features = written["info"]["features"]
        return {
            column: tuple(feature["names"])
            for column, feature in features.items()
            if isinstance(feature, dict)
            and feature.get("_type") == "ClassLabel"
            and isinstance(feature.get("names"), list)
            and all(isinstance(name, str) for name in feature["names"])
        }
    # It is not ours to say what other writers put there; without it labels are numbers.
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
