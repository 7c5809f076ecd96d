"""The two forms that CIFAR-10 was published in, and reading them from archive or folder."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cnnlab.data.cifar_batches import Batch, check_class_names, parse_binary, parse_pickled
from cnnlab.data.download import RemoteFile
from cnnlab.data.pickles import LIMIT_BYTES, read_pickle
from cnnlab.data.reading import check_digest, read_bounded, read_errors
from cnnlab.errors import ChecksumError, DataError

__all__ = ["BINARY", "PYTHON", "Form", "read_archive", "read_folder"]

_TODO = "get it again: cnnlab data fetch cifar10"


def _listed_names(contents: bytes, where: object) -> object:
    """The classes of ``batches.meta.txt``: one a line."""
    del where  # any text is a list of lines
    return contents.decode("latin-1").split()


def _pickled_names(contents: bytes, where: object) -> object:
    """The classes of ``batches.meta``."""
    return read_pickle(contents, where).get("label_names")


@dataclass(frozen=True)
class Form:
    """A form of the same 60,000 images.

    Attributes
    ----------
    archive: as its author publishes it.
    folder: what it unpacks to.
    batches: the files in that folder: train, in the order of their rows, then test.
    meta: the file in that folder that lists the classes; no digest: none was published.
    parse, parse_meta: read a batch, and the list of classes.
    """

    archive: RemoteFile
    folder: str
    batches: tuple[RemoteFile, ...]
    meta: RemoteFile
    parse: Callable[[bytes, object], Batch] = parse_binary
    parse_meta: Callable[[bytes, object], object] = _listed_names

    def present(self, folder: Path) -> list[Path]:
        """Return the files of a folder that has any of the batches."""
        if not any((folder / file.name).is_file() for file in self.batches):
            return []
        files = (*self.batches, self.meta)
        return [path for file in files if (path := folder / file.name).is_file()]

    def check_names(self, contents: bytes, where: object) -> None:
        """Compare the list of classes with ours."""
        check_class_names(self.parse_meta(contents, where), where)


def _batches(suffix: str, size_bytes: tuple[int, ...], *md5: str) -> tuple[RemoteFile, ...]:
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    return tuple(
        RemoteFile(name + suffix, size, f"md5:{digest}")
        for name, size, digest in zip(names, size_bytes, md5, strict=True)
    )


#: Records of bytes. The archive's MD5 is its author's; those of the files in it are what several
#: projects check after unpacking it.
BINARY = Form(
    archive=RemoteFile(
        "cifar-10-binary.tar.gz",
        170_052_171,
        "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ),
    folder="cifar-10-batches-bin",
    batches=_batches(
        ".bin",
        6 * (30_730_000,),
        "5dd7e06a14cb22eb9f671a540d1b7c25",
        "5ea93a67294ea407fff1d09f752e9692",
        "942cd6a4bcdd0dd3c604fbe906cb4421",
        "ae636b3ba5c66a11e91e8cb52e771fcb",
        "53f37980c15c3d472c316c40844f3f0d",
        "803d5f7f4d78ea53de84dbe85f74fb6d",
    ),
    meta=RemoteFile("batches.meta.txt", 0, ""),
)

#: Pickled dictionaries, as torchvision and Keras keep them; the MD5s are torchvision's.
PYTHON = Form(
    archive=RemoteFile(
        "cifar-10-python.tar.gz",
        170_498_071,
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    folder="cifar-10-batches-py",
    batches=_batches(
        "",
        (31_035_704, 31_035_320, 31_035_999, 31_035_696, 31_035_623, 31_035_526),
        "c99cafc152244af753f735de768cd75f",
        "d4bba439e000b95fd0a9bffe97cbabec",
        "54ebc095f3ab1f0389bbae665268c751",
        "634d18415352ddfa80567beed471001a",
        "482c414d41f54cd18b22e5b47cb7c3cb",
        "40351d587109b95175f43aff81a1287e",
    ),
    meta=RemoteFile("batches.meta", 158, "md5:5ff9c542aee3614f3951f8cda6e48888"),
    parse=parse_pickled,
    parse_meta=_pickled_names,
)


def read_folder(form: Form, folder: Path, *, named: bool) -> tuple[list[Batch], list[str]]:
    """Read the batches of an unpacked folder, in order.

    A file of the published size with another digest is a :class:`ChecksumError`; unless ``named``
    (the user asked for CIFAR-10 and not for this folder), a folder in which no file at all is the
    published one passes for someone's own. Returns the batches, and the names of those that are
    not the published files.
    """
    if (meta := folder / form.meta.name).exists():
        form.check_names(_verified(form.meta, meta)[0], meta)
    batches: list[Batch] = []
    unverified: list[str] = []
    damages: list[ChecksumError] = []
    for file in form.batches:
        contents, damage = _verified(file, folder / file.name, tolerant=not named)
        batches.append(form.parse(contents, folder / file.name))
        if damage is not None:
            damages.append(damage)
        if damage is not None or len(contents) != file.size_bytes:
            unverified.append(file.name)
    if damages and len(unverified) < len(batches):
        raise damages[0]
    return batches, unverified


def read_archive(form: Form, path: Path) -> list[Batch]:
    """Read the batches of a published archive, in order, after verifying the whole of it."""
    with read_errors(path):
        size_bytes = path.stat().st_size
    if size_bytes != form.archive.size_bytes:
        raise ChecksumError(
            f"the archive has {size_bytes:,} bytes",
            where=path,
            expected=f"{form.archive.size_bytes:,}, as published",
            todo=_TODO,
        )
    check_digest(path, form.archive.digest, todo=_TODO)
    batches: dict[str, Batch] = {}
    for file, contents in _members(form, path):
        if file is form.meta:
            form.check_names(contents, f"{path}/{file.name}")
        else:
            batches[file.name] = form.parse(contents, f"{path}/{file.name}")
    for file in form.batches:
        if file.name not in batches:
            raise DataError(f"the archive has no {form.folder}/{file.name}", where=path)
    return [batches[file.name] for file in form.batches]


def _members(form: Form, path: Path) -> Iterator[tuple[RemoteFile, bytes]]:
    """The files of an archive that are wanted, as they come."""
    wanted = {f"{form.folder}/{file.name}": file for file in (*form.batches, form.meta)}
    try:
        with read_errors(path), tarfile.open(path, "r|gz") as archive:
            for member in archive:
                file = wanted.get(member.name)
                stream = archive.extractfile(member) if file and member.isfile() else None
                if file is not None and stream is not None:
                    yield file, stream.read(LIMIT_BYTES)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"the archive cannot be read: {error}", where=path, todo=_TODO) from error


def _verified(
    file: RemoteFile, path: Path, *, tolerant: bool = False
) -> tuple[bytes, ChecksumError | None]:
    """A file's contents; that it has the published size only is raised, or returned."""
    contents = read_bounded(path, limit_bytes=LIMIT_BYTES)
    if not file.digest or len(contents) != file.size_bytes:
        return contents, None
    algorithm, _, published = file.digest.partition(":")
    digest = hashlib.new(algorithm, contents, usedforsecurity=False).hexdigest()
    if digest == published:
        return contents, None
    damage = ChecksumError(
        f"the file has {algorithm.upper()} {digest}",
        where=path,
        expected=f"the published {published}",
        todo=_TODO,
    )
    if not tolerant:
        raise damage
    return contents, damage
