"""Where data sets lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cnnlab.errors import DataError
from cnnlab.machine import home

__all__ = ["candidates", "data_folder", "downloads", "home", "is_offline", "usual"]


def data_folder() -> Path | None:
    """The user's own folder of archives, ``CNNLAB_DATA``; None where it is not set.

    Raises :class:`DataError` when it names something that is no folder.
    """
    chosen = os.environ.get("CNNLAB_DATA")
    if not chosen:
        return None
    folder = Path(chosen).expanduser().absolute()
    if not folder.is_dir():
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
    return [Path("data").absolute(), Path(keras).expanduser() / "datasets"]


def candidates(*names: str, usual: Iterable[Path] = ()) -> list[Path]:
    """Return what exists under these names, the likeliest first.

    Looks in ``CNNLAB_DATA``, then among the downloads, then in the ``usual`` folders; within a
    folder the order is that of ``names``, which may hold ``/`` and may be ``"."``.
    """
    own = data_folder()
    folders = [*([own] if own else []), downloads(), *usual]
    return [path for folder in folders for name in names if (path := folder / name).exists()]
