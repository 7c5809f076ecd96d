"""Where data sets lie on this machine."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from cnnlab.data.tree import input_errors
from cnnlab.errors import DataError
from cnnlab.files import expanded
from cnnlab.machine import home

__all__ = ["candidates", "data_folder", "downloads", "home", "is_offline", "usual"]


def data_folder() -> Path | None:
    """The user's own folder of archives, ``CNNLAB_DATA``; None where it is not set.

    Raises :class:`DataError` when it names something that is no folder.
    """
    chosen = os.environ.get("CNNLAB_DATA")
    if not chosen:
        return None
    folder = expanded(chosen).absolute()
    with input_errors(folder):
        is_folder = folder.is_dir()
    if not is_folder:
        raise DataError(
            "CNNLAB_DATA does not name a folder",
            where=folder,
            expected="a folder in which archives of data sets lie",
            todo="create it, or unset CNNLAB_DATA",
        )
    return folder


def is_offline() -> bool:
    """Whether nothing may be downloaded: ``CNNLAB_OFFLINE`` is set, and not to 0."""
    return os.environ.get("CNNLAB_OFFLINE", "") not in {"", "0"}


def downloads() -> Path:
    """The folder that downloaded archives are kept in (it may not exist yet)."""
    return home() / "downloads"


def usual() -> list[Path]:
    """Return the folders that other libraries and their tutorials leave data sets in."""
    keras = os.environ.get("KERAS_HOME") or "~/.keras"
    return [Path("data").absolute(), expanded(keras).absolute() / "datasets"]


def candidates(*names: str, usual: Iterable[Path] = ()) -> list[Path]:
    """Return what exists under these names, the likeliest first.

    Looks in ``CNNLAB_DATA``, then among the downloads, then in the ``usual`` folders; within a
    folder the order is that of ``names``, which may hold ``/`` and may be ``"."``. What may not be
    looked at is not there in a usual folder; in the other two it is a :class:`DataError`.
    """
    own = data_folder()
    ours = [folder / name for folder in (own, downloads()) if folder for name in names]
    others = [folder / name for folder in usual for name in names]
    return [
        *(path for path in ours if _is_there(path)),
        *(path for path in others if _is_there(path, forgiving=True)),
    ]


def _is_there(path: Path, *, forgiving: bool = False) -> bool:
    """Whether there is a file, or a folder whose files may be looked at."""
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            os.stat(os.path.join(path, "."))  # noqa: PTH116, PTH118 - a Path drops the dot
    except OSError as error:
        if forgiving or error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return False
        with input_errors(path):
            raise
    return True
