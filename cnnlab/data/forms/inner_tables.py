"""Tables of files that lie among the images themselves, in a folder or an archive.

They decide where folders do not: where the images lie together, or in folders of parts alone, as
in ``train/1.png`` beside ``trainLabels.csv``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from cnnlab.data.forms.listing import (
    arrange_rows,
    find_files,
    find_present,
    is_usual_name,
    part_of_name,
)
from cnnlab.data.forms.table import NoLabelsError, Row, read_table
from cnnlab.data.inventory import Inventory
from cnnlab.data.layout import PART_NAMES, Layout, ignored_note
from cnnlab.data.tree import listed, shown
from cnnlab.errors import DataError

__all__ = ["arrange_by_table", "may_be_table"]


def may_be_table(path: str) -> bool:
    """Whether a file's name promises a table of the images beside it."""
    pure = PurePosixPath(path)
    return pure.suffix.lower() in (".csv", ".tsv") and is_usual_name(pure.stem)


def arrange_by_table(where: Path, inventory: Inventory) -> tuple[Layout | None, tuple[str, ...]]:
    """Return the rows that tables tell, or None where folders tell the classes, and notes.

    The notes belong to the folders' rows: which tables are not used, and why. Raises
    :class:`DataError` for a table that is in doubt or broken, naming its line, and for one that
    contradicts the folders.
    """
    folder, tables = _outermost(inventory)
    if not tables:
        return None, ()
    names = _Names(inventory, folder)
    classes = names.classes()
    if len(classes) > 1:
        said = [_check_agreement(where, path, tables[path], names) for path in sorted(tables)]
        return None, tuple(note for note in said if note)
    chosen = _chosen(where, tables)
    if len(classes) == 1 and len(names.names()) > 1:
        return _arrange_in_doubt(where, inventory, names, chosen)
    rows, notes = _rows(where, chosen)
    return _layout(where, inventory, names, rows, notes), ()


def _arrange_in_doubt(
    where: Path, inventory: Inventory, names: _Names, tables: Mapping[str, bytes]
) -> tuple[Layout | None, tuple[str, ...]]:
    """Decide where all folders but one are called like parts: cat/ and test/, valid/ and invalid/.

    Tables that are of these images count, unless they say what the folders do. A broken one is an
    error: ``images`` and ``test`` would be made classes.
    """
    try:
        rows, notes = _rows(where, tables)
    except NoLabelsError as error:
        return None, (_unused(sorted(tables), error),)
    try:
        present = [
            pair for path, found in rows.items() for pair in find_present(found, names, _part(path))
        ]
    except DataError as error:  # of something else
        return None, (_unused(sorted(tables), error),)
    if _group_alike(present) and len({row.label for row, _ in present}) > 1:
        return None, ()
    said = f"classes are those of {listed(list(rows))}, not of the folders {listed(names.names())}"
    return _layout(where, inventory, names, rows, [said, *notes]), ()


def _layout(
    where: Path,
    inventory: Inventory,
    names: _Names,
    rows: Mapping[str, Sequence[Row]],
    notes: Sequence[str],
) -> Layout:
    """The layout of the rows of tables, by their paths; every file has to be there, once."""
    files = [file for path, found in rows.items() for file in find_files(found, names, _part(path))]
    file, count = Counter(files).most_common(1)[0]
    if count > 1:
        raise DataError(
            f"'{shown(file)}' stands in two tables", where=shown(where), expected="each file once"
        )
    ignored = ignored_note(inventory.ignored - set(rows))
    notes = [*notes, *([ignored] if ignored else [])]
    left = len(names.images) - len(files)
    if left:
        notes.append(f"images left out, as no table names them: {left:,}")
    together = [row for found in rows.values() for row in found]
    layout = arrange_rows(together, [names.folder + file for file in files], shown(where))
    return replace(layout, notes=(*layout.notes, *notes))


class _Names:
    """The names of the images below a folder; see :class:`cnnlab.data.forms.listing.Names`."""

    def __init__(self, inventory: Inventory, folder: str) -> None:
        self.folder = folder
        self.images = [path.removeprefix(folder) for path in inventory.images]
        self._files: dict[str, dict[str, str | None]] = defaultdict(dict)
        for path in self.images:
            parent, _, name = path.rpartition("/")
            self._files[parent][name] = None

    def files(self, folder: str) -> Mapping[str, str | None]:
        """The images in a folder; none of them may not be read."""
        return self._files.get(folder, {})

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder that have images in them, sorted."""
        prefix = f"{folder}/" if folder else ""
        below = {path.removeprefix(prefix) for path in self._files if path.startswith(prefix)}
        return sorted({path.split("/")[0] for path in below if path})

    def names(self) -> list[str]:
        """The names of the folders that images lie in, wherever these are, sorted."""
        return sorted({name for folder in self._files if (name := PurePosixPath(folder).name)})

    def classes(self) -> list[str]:
        """Those of :meth:`names` that are not called like parts."""
        return [name for name in self.names() if name.lower() not in PART_NAMES]


def _outermost(inventory: Inventory) -> tuple[str, dict[str, bytes]]:
    """The tables that lie above all images, and their folder ("" or ending in "/")."""
    tables: dict[str, dict[str, bytes]] = defaultdict(dict)
    for path, data in inventory.others.items():
        folder = path[: path.rfind("/") + 1]
        if all(image.startswith(folder) for image in inventory.images):
            tables[folder][path] = data
    if not tables or not inventory.images:
        return "", {}
    folder = min(tables, key=len)
    return folder, tables[folder]


def _chosen(where: Path, tables: Mapping[str, bytes]) -> dict[str, bytes]:
    """The table of everything, or else those of the parts, by path."""
    whole = [path for path in sorted(tables) if _part(path) is None]
    if len(whole) > 1:
        raise DataError(
            f"{listed(whole)} may each name the images", where=shown(where), todo="keep one of them"
        )
    return {path: tables[path] for path in whole or sorted(tables)}


def _rows(where: Path, tables: Mapping[str, bytes]) -> tuple[dict[str, list[Row]], list[str]]:
    """The rows of tables that have labels, by path; and notes on the others."""
    rows: dict[str, list[Row]] = {}
    notes: list[str] = []
    for path, table in tables.items():
        part = _part(path)
        try:
            found = read_table(table, _at(where, path))
        except NoLabelsError as error:
            if part in (None, "train"):
                raise
            notes.append(f"{path} is left out: {error.what}")  # Kaggle's test has no labels
        else:
            rows[path] = [replace(row, part=row.part or part) for row in found]
    if not rows:
        raise NoLabelsError(
            f"no table has labels: {listed(sorted(tables))}",
            where=shown(where),
            expected="labels.csv or train.csv with file and label",
        )
    return rows, notes


def _check_agreement(where: Path, path: str, table: bytes, names: _Names) -> str | None:
    """Refuse a table that groups images otherwise than class folders do; note one of no use."""
    try:
        rows = read_table(table, _at(where, path))
        present = find_present(rows, names, _part(path))
    except DataError as error:
        return _unused([path], error)
    if not _group_alike(present):
        raise DataError(
            "the table groups the images otherwise than their folders do",
            where=_at(where, path),
            todo="to use the table, unpacked, give its own path; to use the folders, remove it",
        )
    return None


def _group_alike(present: Sequence[tuple[Row, str]]) -> bool:
    """Whether each label is that of the images in folders of one name, and no other's."""
    pairs = {(row.label, PurePosixPath(file).parent.name) for row, file in present}
    labels, folders = ({pair[side] for pair in pairs} for side in (0, 1))
    return len(labels) == len(folders) == len(pairs)


def _unused(tables: Sequence[str], error: DataError) -> str:
    verb = "is" if len(tables) == 1 else "are"
    return f"{listed(tables)} {verb} not used, since folders tell the classes: {error.what}"


def _part(path: str) -> str | None:
    """The part that a table's name speaks of."""
    return part_of_name(PurePosixPath(path).stem)


def _at(where: Path, path: str) -> str:
    return shown(f"{where}: {path}")
