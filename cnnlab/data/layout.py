"""Which class and part each image file of a tree belongs to; pure, on paths alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from cnnlab.data.dataset import PARTS
from cnnlab.data.labels import check_class_count
from cnnlab.data.tree import is_litter, listed, shown
from cnnlab.errors import DataError

__all__ = ["PART_NAMES", "Layout", "arrange", "ignored_note"]

#: What folders of parts are called, in lower case.
PART_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
_NAMED_AT_MOST = 10


@dataclass(frozen=True)
class Layout:
    """The rows of a dataset.

    Attributes
    ----------
    files: the image file of each row: parts in the order of ``PARTS``, then by class and path.
    labels: index into ``class_names`` of each row.
    class_names: sorted; the same order for every part.
    parts: rows of each part that is there.
    notes: what a user should know, a line each.
    """

    files: tuple[str, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    parts: Mapping[str, int]
    notes: tuple[str, ...]

    def without(self, files: Collection[str]) -> Layout:
        """The same rows but those of some files; a class or part may become empty."""
        kept = [row for row, file in enumerate(self.files) if file not in files]
        ends = np.cumsum(list(self.parts.values()))
        places = np.searchsorted(ends, kept, side="right")
        counts = np.bincount(places, minlength=len(self.parts)).tolist()
        return replace(
            self,
            files=tuple(self.files[row] for row in kept),
            labels=tuple(self.labels[row] for row in kept),
            parts=dict(zip(self.parts, counts, strict=True)),
        )


@dataclass
class _Folder:
    """One folder of the tree: its folders by name, and the paths of its own images."""

    name: str
    path: str
    folders: dict[str, _Folder] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)

    def below(self) -> Iterator[_Folder]:
        """Yield this folder and every folder below it."""
        pending = [self]
        while pending:
            folder = pending.pop()
            yield folder
            pending.extend(folder.folders.values())

    def holds_images(self) -> bool:
        """Whether an image lies in it or anywhere below."""
        return any(folder.images for folder in self.below())

    def at(self, parts: Iterable[str]) -> _Folder:
        """Return the folder at this path below, made where it was not there."""
        folder = self
        for name in parts:
            inner = folder.folders.get(name)
            if inner is None:
                inner = folder.folders[name] = _Folder(name, f"{folder.path}{name}/")
            folder = inner
        return folder


def arrange(where: Path, images: Iterable[str], folders: Iterable[str]) -> Layout:
    """Find classes and parts.

    Parameters
    ----------
    where: the folder or archive, for errors.
    images: paths of image files, "/"-separated, litter left out.
    folders: paths of folders, so that empty ones are noticed.

    Raises :class:`DataError` naming the file or class that is out of place.
    """
    root = _Folder("", "")
    for path in folders:
        root.at(path.split("/"))
    for path in images:
        root.at(path.split("/")[:-1]).images.append(path)
    base = _unwrapped(root)
    parts = _parts_of(base, where)
    for folder in (base, *parts.values()):
        if folder.images:
            raise DataError(
                f"image '{shown(min(folder.images))}' lies outside any class folder",
                where=shown(where),
                expected="images in one folder a class",
                todo="move it into its class's folder, or away",
            )
    class_names = _class_names(parts, where)
    if all(name.lower() in PART_NAMES for name in class_names):
        raise DataError(
            f"{listed([f'{name}/' for name in class_names])} hold images, and no class folders",
            where=shown(where),
            expected="a folder a class in each, or a table of files and labels: labels.csv",
        )
    return _rows(parts, class_names)


def _unwrapped(folder: _Folder) -> _Folder:
    """Step into folders that hold one folder and nothing else, as archives often begin."""
    while len(folder.folders) == 1 and not folder.images:
        ((name, inner),) = folder.folders.items()
        if name.lower() in PART_NAMES or not inner.folders:
            break
        folder = inner
    return folder


def _parts_of(base: _Folder, where: Path) -> dict[str, _Folder]:
    """Return the folder of each part; without such folders everything is "train"."""
    parts: dict[str, _Folder] = {}
    named = [folder for name, folder in sorted(base.folders.items()) if name.lower() in PART_NAMES]
    if not any(folder.folders for folder in named):  # there may be a class called "train"
        return {"train": base}
    for folder in named:
        part = PART_NAMES[folder.name.lower()]
        if part in parts:
            raise DataError(
                f"both '{shown(parts[part].path)}' and '{shown(folder.path)}' are {part}",
                where=shown(where),
                todo="keep one of them",
            )
        parts[part] = folder
    for name, folder in sorted(base.folders.items()):
        if name.lower() not in PART_NAMES and folder.holds_images():
            raise DataError(
                f"'{shown(folder.path)}' lies beside '{shown(named[0].path)}'",
                where=shown(where),
                expected="either class folders or train/, validation/ and test/, not both",
            )
    if "train" not in parts:
        raise DataError(
            f"'{shown(named[0].path)}' is there, but no 'train/'",
            where=shown(where),
            expected="train/, and beside it validation/ or test/ if you have them",
        )
    return {part: parts[part] for part in PARTS if part in parts}


def _class_names(parts: Mapping[str, _Folder], where: Path) -> tuple[str, ...]:
    names = sorted(parts["train"].folders)
    check_class_count(len(names), shown(where), "class folders")
    for part, folder in parts.items():
        for name, inner in sorted(folder.folders.items()):
            if not inner.holds_images():
                raise DataError(
                    f"class '{shown(name)}' has no images in '{shown(inner.path)}'",
                    where=shown(where),
                    todo="add images, or remove the folder",
                )
            if name not in parts["train"].folders:
                raise DataError(
                    f"class '{shown(name)}' is in {part} but not in train",
                    where=shown(where),
                    expected=f"the classes of train: {listed(names)}",
                )
            if shown(name) != name:
                raise DataError(
                    f"the class folder's name '{shown(name)}' is not valid UTF-8",
                    where=shown(where),
                    todo="rename it",
                )
    if len(names) < 2:
        raise DataError(
            f"only one class, '{shown(names[0])}'" if names else "no class folders with images",
            where=shown(where),
            expected="at least two folders of images, named after their classes",
        )
    return tuple(names)


def _rows(parts: Mapping[str, _Folder], class_names: tuple[str, ...]) -> Layout:
    files: list[str] = []
    labels: list[int] = []
    counts: dict[str, int] = {}
    notes: list[str] = []
    deeper = 0
    for part, folder in parts.items():
        missing = [name for name in class_names if name not in folder.folders]
        if missing:
            notes.append(f"{part} has no images of: {listed(missing)}")
        start = len(files)
        for label, name in enumerate(class_names):
            if name in missing:
                continue
            inner = folder.folders[name]
            paths = sorted(path for below in inner.below() for path in below.images)
            deeper += len(paths) - len(inner.images)
            files += paths
            labels += [label] * len(paths)
        counts[part] = len(files) - start
    if deeper:
        notes.append(f"{deeper:,} images lie in folders inside their class's folder")
    return Layout(tuple(files), tuple(labels), class_names, counts, tuple(notes))


def ignored_note(paths: Iterable[str]) -> str | None:
    """Say in one line what was left out: litter by its name, other files by their suffix."""
    kinds: Counter[str] = Counter()
    for path in paths:
        pure = PurePosixPath(path)
        if pure.name.startswith("._"):  # macOS writes one beside every file
            kinds["._*"] += 1
        elif is_litter(pure.name):
            kinds[shown(pure.name)] += 1
        else:
            kinds[f"*{shown(pure.suffix)}" if pure.suffix else "files without a suffix"] += 1
    if not kinds:
        return None
    common = kinds.most_common(_NAMED_AT_MOST)
    text = ", ".join(f"{count:,} x {kind}" for kind, count in sorted(common))
    more = len(kinds) - len(common)
    return f"ignored, being no images: {text}" + (f" and {more} more kinds" if more else "")
