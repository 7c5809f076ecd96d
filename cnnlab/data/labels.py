"""What files that are no class folders say of their classes -> one number an image.

Labels without names are called by their own numbers, so that nothing is lost where they do not
begin at 0 or leave some out: 1, 2 and 5 become the classes "1", "2" and "5".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.dataset import PARTS
from cnnlab.data.tree import listed, shown
from cnnlab.errors import DataError

__all__ = [
    "Labelled",
    "Place",
    "check_class_count",
    "check_class_names",
    "check_parts",
    "label_numbers",
    "label_texts",
]

#: Says where the label of a row stands, for errors: file, and line, key or index.
Place = Callable[[int], str]

#: More is not what somebody meant who wanted classes.
_MAX_CLASSES = 10_000


@dataclass(frozen=True, eq=False)
class Labelled:
    """The labels of all rows.

    Attributes
    ----------
    labels: int64 ``[N]``, indices into ``class_names``.
    notes: what a user should know, a line each.
    """

    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def label_numbers(
    values: NDArray[np.integer], place: Place, class_names: Sequence[str] | None = None
) -> Labelled:
    """Make labels of whole numbers ``[N]``.

    With ``class_names`` they are indices into these. Without, every number that occurs is a
    class and is called so, in ascending order. Raises :class:`DataError` naming the first label
    that is negative, or beyond the names.
    """
    negative = np.flatnonzero(values < 0)
    if negative.size:
        row = int(negative[0])
        raise DataError(
            f"label {values[row]}",
            where=place(row),
            expected="0 or more",
            todo="a negative number usually marks an image without a label: leave it out",
        )
    if class_names is not None:
        check_class_count(len(class_names), place(0) if len(values) else "labels", "classes")
        _check_range(values, place, len(class_names))
        return Labelled(values.astype(np.int64), tuple(class_names))
    found, labels = np.unique(values, return_inverse=True)
    check_class_count(len(found), place(0), "different labels")
    names = tuple(str(value) for value in found)
    gaps = len(found) > 0 and int(found[-1]) >= len(found)
    note = f"labels are not 0 to {len(found) - 1}: the classes are called {listed(names)}"
    return Labelled(labels.astype(np.int64), names, (note,) if gaps else ())


def label_texts(
    texts: Sequence[str], place: Place, class_names: Sequence[str] | None = None
) -> Labelled:
    """Make labels of text: each text is a class, in the order of ``class_names`` or sorted.

    Texts that are all whole numbers are treated as these. Raises :class:`DataError` naming the
    first text that is empty or not among ``class_names``.
    """
    empty = next((row for row, text in enumerate(texts) if not text), None)
    if empty is not None:
        raise DataError("an empty label", where=place(empty), expected="the name of a class")
    if class_names is None and all(map(_is_number, set(texts))):
        return label_numbers(np.array([int(text) for text in texts], dtype=np.int64), place)
    names = tuple(sorted(set(texts))) if class_names is None else tuple(class_names)
    check_class_count(len(names), place(0) if texts else "labels", "different labels")
    index = {name: label for label, name in enumerate(names)}
    for row, text in enumerate(texts):
        if text not in index:
            raise DataError(
                f"label '{shown(text)}'",
                where=place(row),
                expected=f"one of the class names: {listed(names)}",
            )
    return Labelled(np.array([index[text] for text in texts], dtype=np.int64), names)


def check_class_names(names: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the names; one that is empty, stands twice or cannot be printed is an error.

    So are more of them than :func:`check_class_count` allows.
    """
    check_class_count(len(names), where, "class names")
    seen: dict[str, int] = {}
    for number, name in enumerate(names):
        if not name.strip():
            raise DataError(f"class name {number} is empty", where=where)
        if name in seen:
            raise DataError(
                f"class names {seen[name]} and {number} are both '{shown(name)}'", where=where
            )
        if shown(name) != name:
            raise DataError(f"class name {number}, '{shown(name)}', is not valid text", where=where)
        seen[name] = number
    return tuple(names)


def check_parts(labelled: Labelled, parts: Mapping[str, int], place: Place, where: str) -> Labelled:
    """Check that every class can be learnt; rows stand part by part in the order of ``PARTS``.

    Raises :class:`DataError` where there is no train part, where fewer than two classes have
    images, and for the first image of a class that train does not have. A class that has no
    image at all, or none in a part, becomes a note.
    """
    if not parts.get("train"):
        raise DataError("there are no images to train on", where=where)
    train = np.bincount(labelled.labels[: parts["train"]], minlength=len(labelled.class_names))
    untaught = np.flatnonzero(train[labelled.labels] == 0)
    if untaught.size:
        row = int(untaught[0])
        name = labelled.class_names[labelled.labels[row]]
        raise DataError(
            f"class '{shown(name)}' is in {_part_of(row, parts)} but not in train",
            where=place(row),
            todo="add images of it to train, or leave these out",
        )
    if np.count_nonzero(train) < 2:
        only = labelled.class_names[int(np.argmax(train))]
        raise DataError(
            f"only one class, '{shown(only)}'", where=where, expected="images of at least two"
        )
    notes = _absent_notes(labelled, parts)
    return Labelled(labelled.labels, labelled.class_names, (*labelled.notes, *notes))


def _absent_notes(labelled: Labelled, parts: Mapping[str, int]) -> list[str]:
    """Say which classes a part has no images of; of those that train lacks all parts do."""
    notes: list[str] = []
    start, known = 0, np.ones(len(labelled.class_names), dtype=bool)
    for part in (part for part in PARTS if parts.get(part)):
        rows = labelled.labels[start : start + parts[part]]
        there = np.bincount(rows, minlength=len(known)) > 0
        names = [labelled.class_names[label] for label in np.flatnonzero(known & ~there)]
        if names and part == "train":
            notes.append(f"there are no images of: {listed(names)}")
            known = there
        elif names:
            notes.append(f"{part} has no images of: {listed(names)}")
        start += parts[part]
    return notes


def _part_of(row: int, parts: Mapping[str, int]) -> str:
    ends = np.cumsum([parts.get(part, 0) for part in PARTS])
    return PARTS[int(np.searchsorted(ends, row, side="right"))]


def _check_range(values: NDArray[np.integer], place: Place, count: int) -> None:
    beyond = np.flatnonzero(values >= count)
    if beyond.size:
        row = int(beyond[0])
        raise DataError(
            f"label {values[row]}",
            where=place(row),
            expected=f"0 to {count - 1}, as there are {count:,} class names",
        )


def check_class_count(count: int, where: str, what: str) -> None:
    """Raise :class:`DataError` for more classes than anybody means; ``what`` is counted."""
    if count > _MAX_CLASSES:
        raise DataError(
            f"{count:,} {what}",
            where=where,
            expected=f"at most {_MAX_CLASSES:,} classes",
            todo="these are perhaps no classes",
        )


def _is_number(text: str) -> bool:
    """Whether a text is a whole number as it is usually written ("7", not "007")."""
    return (
        text.isascii()
        and len(text) <= 18
        and text.removeprefix("-").isdigit()
        and (str(int(text)) == text)
    )
