"""The Parquet files of a data set laid out as on the Hugging Face hub: shards, and their parts."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cnnlab.data.dataset import PARTS
from cnnlab.data.forms.listing import part_of_name
from cnnlab.data.images import IMAGE_SUFFIXES
from cnnlab.data.tree import input_errors, is_folder, is_litter, listed, shown
from cnnlab.errors import DataError

__all__ = ["Shard", "find_shards", "is_parquet", "shards_of"]

_MAGIC = b"PAR1"
#: data/train-00000-of-00002.parquet, plain_text/test-..., default/train/0000.parquet
_DEPTH = 2
_LOOKED_FOR = (".parquet", *IMAGE_SUFFIXES)
_NUMBERED = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]{16})?")


@dataclass(frozen=True)
class Shard:
    """One file: its path, what errors call it, and the part that it belongs to."""

    path: Path
    name: str
    part: str


def is_parquet(path: Path) -> bool:
    """Whether a file is called a Parquet file or begins as one."""
    if path.suffix.lower() == ".parquet":
        return True
    with input_errors(path), path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def find_shards(folder: Path) -> list[str]:
    """Return the Parquet files in a folder and two folders deep, sorted.

    Beside images they are shards where each is called like one, so that an index of the images is
    none. Links are followed: the hub's own client keeps every file behind one.
    """
    shards, images = _found(folder)
    return [] if images and not all(map(_is_called_shard, shards)) else shards


def _found(folder: Path) -> tuple[list[str], list[str]]:
    """The Parquet files and the images in a folder and two folders deep, sorted."""
    files = sorted(_files(folder, "", _DEPTH))
    shards = [path for path in files if path.lower().endswith(".parquet")]
    return shards, [path for path in files if not path.lower().endswith(".parquet")]


def _is_called_shard(name: str) -> bool:
    """Whether a file has a part in its name, is numbered, or is a number in a part's folder."""
    path = PurePosixPath(name)
    return bool(
        _NUMBERED.fullmatch(path.stem)
        or part_of_name(path.stem)
        or (path.stem.isdigit() and part_of_name(path.parent.name))
    )


def _files(folder: Path, prefix: str, depth: int) -> Iterator[str]:
    with input_errors(folder / prefix), os.scandir(folder / prefix) as items:
        visible = [item for item in items if not is_litter(item.name)]
    for item in visible:
        # Of a folder of images most are told without asking the system.
        if item.name.lower().endswith(_LOOKED_FOR) and (
            item.is_file(follow_symlinks=False) or Path(item.path).is_file()
        ):
            yield prefix + item.name
    for item in visible:
        if depth and is_folder(item):
            yield from _files(folder, f"{prefix}{item.name}/", depth - 1)


def shards_of(path: Path) -> tuple[list[Shard], list[str]]:
    """Return the shards of a file or folder in the order of their rows, and notes.

    A file is "train", whatever its name. Raises :class:`DataError` for a part of which shards are
    missing, and for a folder that holds several data sets.
    """
    if path.is_file():
        match = _NUMBERED.fullmatch(path.stem)
        several = match is not None and int(match["count"]) > 1
        note = "one of several shards: give their folder to read all of them"
        return [Shard(path, path.name, "train")], [note] if several else []
    names = find_shards(path)
    parts = {name: _part_of(name) for name in names}
    left = [name for name in names if parts[name] is None] if any(parts.values()) else []
    kept = [name for name in names if name not in left]
    _check_one_set(path, kept)
    _check_whole(path, kept)
    shards = [Shard(path / name, name, parts[name] or "train") for name in kept]
    shards.sort(key=lambda shard: (PARTS.index(shard.part), shard.name))
    notes = [f"left out, being no part: {listed(left)}"] if left else []
    images = _found(path)[1]
    notes += [f"left out, being no Parquet: {listed(images)}"] if images else []
    return shards, notes


def _part_of(name: str) -> str | None:
    """The part that a shard's own name tells, or else its folder's."""
    path = PurePosixPath(name)
    match = _NUMBERED.fullmatch(path.stem)
    return part_of_name(match["name"] if match else path.stem) or part_of_name(path.parent.name)


def _check_one_set(where: Path, names: Sequence[str]) -> None:
    """Refuse folders beside each other: they are different versions of the images."""
    sets = {
        "/".join(folder for folder in PurePosixPath(name).parts[:-1] if not part_of_name(folder))
        for name in names
    }
    if len(sets) > 1:
        raise DataError(
            f"there are several data sets: {listed(sorted(name or '.' for name in sets))}",
            where=shown(where),
            todo="give the path of one",
        )


def _check_whole(where: Path, names: Sequence[str]) -> None:
    """Refuse a set of numbered shards with a gap."""
    numbers: dict[tuple[str, str], dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for name in names:
        path = PurePosixPath(name)
        match = _NUMBERED.fullmatch(path.stem)
        if match:
            key = str(path.parent / match["name"]), match["name"]
            numbers[key][int(match["count"])].add(int(match["number"]))
    for (stem, part), counts in numbers.items():
        if len(counts) > 1:
            raise DataError(
                f"the shards of {shown(part)} are of {listed([str(n) for n in sorted(counts)])}",
                where=shown(where),
                expected="one set of shards",
            )
        ((count, there),) = counts.items()
        missing = sorted(set(range(count)) - there)
        if missing:
            gaps = [f"{stem}-{number:05d}-of-{count:05d}.parquet" for number in missing]
            raise DataError(
                f"of {count} shards of {shown(part)} {len(gaps)} are missing: {listed(gaps)}",
                where=shown(where),
                todo="download them, or give one shard's path to read it alone",
            )
