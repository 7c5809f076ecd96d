"""A form in which CIFAR images were published, and reading it from archive or folder."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cnnlab.data.cifar_batches import Batch, Labelling, check_class_names
from cnnlab.data.download import RemoteFile
from cnnlab.data.pickles import LIMIT_BYTES
from cnnlab.data.reading import check_digest, read_bounded, read_errors
from cnnlab.errors import ChecksumError, DataError

__all__ = ["Form", "read_archive", "read_folder"]


@dataclass(frozen=True)
class Form:
    """A form in which a dataset was published.

    Attributes
    ----------
    archive: as its author publishes it.
    folder: what it unpacks to.
    batches: the files in that folder: train, in the order of their rows, then test.
    names: by a labelling's key, the file in that folder that lists its classes.
    parse, parse_names: read a batch, and a list of classes.
    fewest: so many of the files tell a folder of this form.
    """

    archive: RemoteFile
    folder: str
    batches: tuple[RemoteFile, ...]
    names: Mapping[str, RemoteFile]
    parse: Callable[[bytes, object, Labelling], Batch]
    parse_names: Callable[[bytes, object, Labelling], object]
    fewest: int = 1

    def present(self, folder: Path) -> list[Path]:
        """Return the files of a folder that has any of the batches, and enough files in all."""
        if not any((folder / file.name).is_file() for file in self.batches):
            return []
        names = dict.fromkeys(file.name for file in (*self.batches, *self.names.values()))
        files = [path for name in names if (path := folder / name).is_file()]
        return files if len(files) >= self.fewest else []

    def check_names(self, contents: bytes, where: object, labelling: Labelling) -> None:
        """Compare the list of classes with ours."""
        check_class_names(self.parse_names(contents, where, labelling), where, labelling)


def read_folder(
    form: Form, folder: Path, labelling: Labelling, *, named: bool, todo: str
) -> tuple[list[Batch], list[str]]:
    """Read the batches of an unpacked folder, in order; ``todo`` is what helps against damage.

    A file of the published size with another digest is a :class:`ChecksumError`, and so is any
    other than the published file beside one that is. Only a folder without any published file
    passes for someone's own; where ``named`` (the user asked for the dataset and not for this
    folder), only if the sizes are others, too. Returns the batches, and the names of those that
    are not the published files.
    """
    listed = form.names[labelling.key]
    if (path := folder / listed.name).exists():
        # Someone's own list may have the published size by chance; its names are compared anyway.
        contents, _ = _verified(listed, path, named=named, todo=todo)
        form.check_names(contents, path, labelling)
    batches: list[Batch] = []
    damages: dict[str, ChecksumError] = {}
    for file in form.batches:
        contents, damage = _verified(file, folder / file.name, named=named, todo=todo)
        batches.append(form.parse(contents, folder / file.name, labelling))
        if damage is not None:
            damages[file.name] = damage
    if 0 < len(damages) < len(batches):
        raise next(iter(damages.values()))
    return batches, list(damages)


def read_archive(form: Form, path: Path, labelling: Labelling, *, todo: str) -> list[Batch]:
    """Read the batches of a published archive, in order, after verifying the whole of it."""
    with read_errors(path):
        size_bytes = path.stat().st_size
    if size_bytes != form.archive.size_bytes:
        raise ChecksumError(
            f"the archive has {size_bytes:,} bytes",
            where=path,
            expected=f"{form.archive.size_bytes:,}, as published",
            todo=todo,
        )
    check_digest(path, form.archive.digest, todo=todo)
    batches: dict[str, Batch] = {}
    listed = form.names[labelling.key]
    for name, contents in _members(form, path, (*form.batches, listed), todo):
        if name == listed.name:
            form.check_names(contents, f"{path}/{name}", labelling)
        else:
            batches[name] = form.parse(contents, f"{path}/{name}", labelling)
    for file in form.batches:
        if file.name not in batches:
            raise DataError(f"the archive has no {form.folder}/{file.name}", where=path)
    return [batches[file.name] for file in form.batches]


def _members(
    form: Form, path: Path, files: Iterable[RemoteFile], todo: str
) -> Iterator[tuple[str, bytes]]:
    """The files of an archive that are wanted, as they come."""
    wanted = {f"{form.folder}/{file.name}": file.name for file in files}
    try:
        with read_errors(path), tarfile.open(path, "r|gz") as archive:
            for member in archive:
                name = wanted.get(member.name)
                stream = archive.extractfile(member) if name and member.isfile() else None
                if name is not None and stream is not None:
                    yield name, stream.read(LIMIT_BYTES)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"the archive cannot be read: {error}", where=path, todo=todo) from error


def _verified(
    file: RemoteFile, path: Path, *, named: bool, todo: str
) -> tuple[bytes, ChecksumError | None]:
    """A file's contents, and the error that it is not the published one.

    Where ``named``, that is raised if the published size says that it should be.
    """
    contents = read_bounded(path, limit_bytes=LIMIT_BYTES)
    if not file.digest:
        return contents, None
    if len(contents) != file.size_bytes:
        return contents, ChecksumError(
            f"the file has {len(contents):,} bytes",
            where=path,
            expected=f"{file.size_bytes:,}, as published",
            todo=todo,
        )
    algorithm, _, published = file.digest.partition(":")
    digest = hashlib.new(algorithm, contents, usedforsecurity=False).hexdigest()
    if digest == published:
        return contents, None
    damage = ChecksumError(
        f"the file has {algorithm.upper()} {digest}",
        where=path,
        expected=f"the published {published}",
        todo=todo,
    )
    if named:
        raise damage
    return contents, damage
