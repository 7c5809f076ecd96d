"""The rows of a table of files -> image files that are there, with classes and parts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Protocol

from cnnlab.data.archive import plain_path, unsafe
from cnnlab.data.dataset import PARTS
from cnnlab.data.forms.table import Row
from cnnlab.data.images import IMAGE_SUFFIXES
from cnnlab.data.labels import check_parts, label_texts
from cnnlab.data.layout import PART_NAMES, Layout
from cnnlab.data.tree import listed, shown
from cnnlab.errors import DataError

__all__ = [
    "Names",
    "arrange_rows",
    "find_files",
    "find_present",
    "is_usual_name",
    "part_of_name",
]


#: As many rows tell whether a table is of the images beside it.
_LOOKED_AT = 50
_TABLE_WORDS = frozenset({"annotations", "label", "labels", "metadata"})


class Names(Protocol):
    """The names in the folders below the one that a table stands in; paths are relative to it."""

    def files(self, folder: str) -> Mapping[str, str | None]:
        """The files in a folder, each with the reason for which it may not be read."""

    def folders(self, folder: str) -> Sequence[str]:
        """The names of the folders in a folder, sorted."""


def part_of_name(stem: str) -> str | None:
    """The part that a table's name speaks of: that of "trainLabels" is train."""
    parts = [PART_NAMES[word] for word in _words(stem) if word in PART_NAMES]
    return parts[0] if len(parts) == 1 else None


def is_usual_name(stem: str) -> bool:
    """Whether a table's name says no more than that it is one, e.g. "train_labels"."""
    words = _words(stem)
    return bool(words) and all(word in _TABLE_WORDS or word in PART_NAMES for word in words)


def _words(stem: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", stem)]


def find_files(rows: Sequence[Row], names: Names, part: str | None) -> list[str]:
    """Return the path of each row's file, relative to the table's folder.

    A row names a path relative to that folder, or to the one folder in it that has the first
    row's file (rather one that is called after ``part``); the ending of an image file may be
    left out. Raises :class:`DataError` naming the line of a path that leads out, of a file that
    is not there, and of one that stands twice.
    """
    finder = _Finder(names)
    base = _base(rows[0], finder, names, part)
    lines: dict[str, int] = {}
    for row in rows:
        path = finder.find(base + _inside(row), row.place)
        if path is None:
            raise _missing(row)
        if path in lines:
            raise DataError(
                f"'{shown(row.file)}' stands on line {lines[path]} already",
                where=row.place,
                expected="each file once, with one label",
            )
        lines[path] = row.line
    return list(lines)


def find_present(rows: Sequence[Row], names: Names, part: str | None) -> list[tuple[Row, str]]:
    """Return the rows whose files are there, each with its path as :func:`find_files` has it.

    Raises :class:`DataError` as that does of the first row where none of the first rows has a
    file: the table, however long, is of something else.
    """
    finder = _Finder(names)
    base: str | None = None
    reasons: list[DataError] = []
    for row in rows[:_LOOKED_AT]:
        try:
            base = _base(row, finder, names, part)
            break
        except DataError as error:
            reasons.append(error)
    if base is None:
        raise reasons[0]
    found: list[tuple[Row, str]] = []
    for row in rows:
        with suppress(DataError):
            path = finder.find(base + _inside(row), row.place)
            found += [(row, path)] if path else []
    return found


def arrange_rows(rows: Sequence[Row], paths: Sequence[str], where: str) -> Layout:
    """Bring rows into the order of the parts (else in the table's own) and number their classes.

    Raises :class:`DataError` as :func:`cnnlab.data.labels.check_parts` does, naming the line.
    """
    order = sorted(range(len(rows)), key=lambda at: PARTS.index(rows[at].part or "train"))
    counts = {part: sum((row.part or "train") == part for row in rows) for part in PARTS}
    parts = {part: count for part, count in counts.items() if count}

    def place(row: int) -> str:
        return rows[order[row]].place

    labelled = check_parts(
        label_texts([rows[at].label for at in order], place), parts, place, where
    )
    return Layout(
        files=tuple(paths[at] for at in order),
        labels=tuple(labelled.labels.tolist()),
        class_names=labelled.class_names,
        parts=parts,
        notes=labelled.notes,
    )


class _Finder:
    """Looks paths up by the names in their folder, each of which is read once."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._files: dict[str, Mapping[str, str | None]] = {}
        self._stems: dict[str, dict[str, list[str]]] = {}

    def find(self, path: str, where: str) -> str | None:
        """Return the path with its ending; None where no file has it."""
        folder, _, name = path.rpartition("/")
        files = self._in(folder)
        if name not in files:
            meant = self._by_stem(folder).get(name, [])
            if len(meant) > 1:
                raise DataError(
                    f"'{shown(path)}' may be {listed(meant)}", where=where, todo="write the ending"
                )
            if not meant:
                return None
            name = meant[0]
        if files[name] is not None:
            raise DataError(f"'{shown(path)}' is {files[name]}", where=where)
        return f"{folder}/{name}" if folder else name

    def _in(self, folder: str) -> Mapping[str, str | None]:
        if folder not in self._files:
            self._files[folder] = self._names.files(folder)
        return self._files[folder]

    def _by_stem(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._stems:
            stems = self._stems[folder] = defaultdict(list)
            for name in sorted(self._in(folder)):
                path = PurePosixPath(name)
                if path.suffix.lower() in IMAGE_SUFFIXES:
                    stems[path.stem].append(name)
        return self._stems[folder]


def _base(row: Row, finder: _Finder, names: Names, part: str | None) -> str:
    """The folder that paths are relative to, as the first row shows it: "" or ending in "/"."""
    path = _inside(row)
    if finder.find(path, row.place):
        return ""
    holding = [
        f"{folder}/" for folder in names.folders("") if finder.find(f"{folder}/{path}", row.place)
    ]
    called = [folder for folder in holding if part and part_of_name(folder) == part]
    for choice in (called, holding):
        if len(choice) == 1:
            return choice[0]
    if not holding:
        raise _missing(row)
    raise DataError(
        f"'{shown(row.file)}' is in {listed(holding)}",
        where=row.place,
        expected="paths that begin with the folder",
    )


def _inside(row: Row) -> str:
    """The row's path; one that leads out of the folder is refused."""
    if "://" in row.file:
        raise DataError(
            f"'{shown(row.file)}' is an address, and nothing is fetched",
            where=row.place,
            expected="the path of a file beside the table",
        )
    path = row.file.replace("\\", "/")  # as Windows writes it
    wrong = unsafe(path)
    if wrong:
        raise DataError(
            f"'{shown(row.file)}' is {wrong}",
            where=row.place,
            expected="a path relative to the table's folder, and below it",
        )
    return plain_path(path)


def _missing(row: Row) -> DataError:
    return DataError(
        f"there is no image file '{shown(row.file)}'",
        where=row.place,
        expected="a path relative to the table's folder, or to a folder in it",
    )
