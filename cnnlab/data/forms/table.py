"""A table of image files and their labels (CSV), as text -> rows; no file is looked for here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cnnlab.data.images import IMAGE_SUFFIXES
from cnnlab.data.layout import PART_NAMES
from cnnlab.data.tree import listed, shown
from cnnlab.errors import DataError

__all__ = ["Columns", "NoLabelsError", "Row", "read_table"]

_DELIMITERS = ",\t;"
#: As many records tell which delimiter it is.
_LOOKED_AT = 50
#: What columns are called, the surest name first; letters and digits alone count.
_FILE = (
    *("filename", "file", "filepath", "path", "imagepath", "imagefile", "imagename"),
    *("image", "img", "photo", "picture", "imageid", "imgid", "id", "name"),
)
_LABEL = ("label", "labels", "class", "classname", "category", "target", "y")
_SPLIT = ("split", "part", "subset", "partition", "set")


class NoLabelsError(DataError):
    """A table without a column of labels, as that of a contest's test images."""


@dataclass(frozen=True)
class Columns:
    """What the columns are called; None: found out by their usual names."""

    file: str | None = None
    label: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Row:
    """One image: the table and the line that it stands in, its path as written, label and part."""

    table: str
    line: int
    file: str
    label: str
    part: str | None

    @property
    def place(self) -> str:
        """What errors call it."""
        return _at(self.table, self.line)


def read_table(data: bytes, where: str, columns: Columns = Columns()) -> list[Row]:
    """Read a table: a file, a label and if there is one a part in each line.

    Comma, tab or semicolon separate; the text is UTF-8, with or without its mark. The first line
    may name the columns; without names they are file, label and part. Space around a value does
    not count, nor do empty lines. Raises :class:`DataError` naming the line, and
    :class:`NoLabelsError` where no column may hold labels.
    """
    records = _records(_text(data, where), where)
    if not records:
        raise DataError("the table is empty", where=where, expected="a file and a label a line")
    line, first = records[0]
    if len(first) < 2:
        raise NoLabelsError(
            f"only one column, '{shown(first[0])}'",
            where=_at(where, line),
            expected="file and label, separated by a comma, semicolon or tab",
        )
    if _has_header(records, columns):
        chosen, records = _named_columns(first, columns, _at(where, line)), records[1:]
    else:
        chosen = _columns_in_order(first, _at(where, line))
    if not records:
        raise DataError("the table has no rows", where=where, expected="a file and a label a line")
    return [_row(record, line, len(first), chosen, where) for line, record in records]


def _text(data: bytes, where: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("the text is UTF-16", where=where, todo="save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            "the text is not UTF-8", where=_at(where, line), todo="save it as UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError("a NUL character", where=_at(where, line), expected="plain text")
    return text


def _records(text: str, where: str) -> list[tuple[int, list[str]]]:
    """Every record that is not empty, its values stripped, with the line that it begins in."""
    delimiter = _delimiter(text)
    found: list[tuple[int, list[str]]] = []
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        line = 1
        for record in lines:
            values = [value.strip() for value in record]
            if any(values):
                found.append((line, values))
            line = lines.line_num + 1
    except csv.Error as error:
        raise DataError(f"no table: {error}", where=_at(where, lines.line_num)) from error
    return found


def _delimiter(text: str) -> str:
    """The one that divides the first lines into the most columns, as many in each."""

    def columns(delimiter: str) -> tuple[int, int]:
        counts: list[int] = []
        try:
            for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                counts += [len(record)] if record else []
                if len(counts) == _LOOKED_AT:
                    break
        except csv.Error:
            counts.clear()  # the real reading will say where and why
        if not counts:
            return 0, 0
        return (counts[0] if len(set(counts)) == 1 < counts[0] else 0), counts[0]

    return max(_DELIMITERS, key=columns)


def _has_header(records: Sequence[tuple[int, list[str]]], columns: Columns) -> bool:
    """Whether the first record names columns: as columns are called, or where no file is named."""
    if columns != Columns():
        return True
    first = records[0][1]
    if any(mark in value for value in first for mark in "./\\"):
        return False  # it names a file
    usual = {*_FILE, *_LABEL} - {"y"}  # which is what some call a class
    return any(_plain(name) in usual for name in first) or (
        len(records) > 1 and _has_image(records[1][1])
    )


def _has_image(values: list[str]) -> bool:
    return any(value.lower().endswith(tuple(IMAGE_SUFFIXES)) for value in values)


def _named_columns(names: list[str], wanted: Columns, where: str) -> tuple[int, int, int | None]:
    """The places of file, label and part (None: there is no such column)."""
    split = _column(names, wanted.split, _SPLIT, where)
    file = _column(names, wanted.file, _FILE, where, taken=[split])
    label = _column(names, wanted.label, _LABEL, where, taken=[split, file])
    left = [at for at in range(len(names)) if at not in (file, label, split)]
    if file is None and label is None and len(left) == 2:
        file, label = left
    elif (file is None or label is None) and len(left) == 1:
        file, label = (left[0] if file is None else file), (left[0] if label is None else label)
    if file is None or label is None:
        missing, option = ("files", "file_column") if file is None else ("labels", "label_column")
        kind = NoLabelsError if label is None else DataError
        raise kind(
            f"it is not clear which column holds the {missing}",
            where=where,
            expected=f"e.g. file and label; there are {listed(names)}",
            todo=f"give the path of the table and name it: --set data.{option}=NAME",
        )
    return file, label, split


def _column(
    names: list[str],
    wanted: str | None,
    usual: Sequence[str],
    where: str,
    taken: Sequence[int | None] = (),
) -> int | None:
    """The place of the column that is wanted, or of the first that is called as usual."""
    free = [at for at in range(len(names)) if at not in taken]
    if wanted is None:
        plain = {_plain(names[at]): at for at in reversed(free)}
        return next((plain[name] for name in usual if name in plain), None)
    for at in free:
        if names[at] == wanted.strip():
            return at
    raise DataError(
        f"no column is called '{shown(wanted)}'",
        where=where,
        expected=f"one of: {listed([names[at] for at in free])}",
    )


def _columns_in_order(first: list[str], where: str) -> tuple[int, int, int | None]:
    if len(first) > 3:
        raise DataError(
            f"{len(first)} columns without names",
            where=where,
            expected="file, label and perhaps the part",
            todo="name the columns in the first line",
        )
    return 0, 1, 2 if len(first) == 3 else None


def _row(
    values: list[str],
    line: int,
    width: int,
    columns: tuple[int, int, int | None],
    where: str,
) -> Row:
    place = _at(where, line)
    if len(values) != width:
        raise DataError(
            f"{len(values)} values",
            where=place,
            expected=f"{width}, as in the first line",
            todo="put a value that holds the separator in double quotes",
        )
    file, label, split = columns
    for at, what in ((file, "file"), (label, "label")):
        if not values[at]:
            raise DataError(f"the {what} is empty", where=place)
    part = None
    if split is not None:
        part = PART_NAMES.get(values[split].lower())
        if part is None:
            raise DataError(
                f"the part is '{shown(values[split])}'",
                where=place,
                expected="train, validation or test",
            )
    return Row(where, line, values[file], values[label], part)


def _at(where: str, line: int) -> str:
    return f"{where}, line {line}"


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())
