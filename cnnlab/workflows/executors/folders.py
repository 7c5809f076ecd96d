"""Temporary folders that go with their process, or are cleared up by the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnlab.files import is_alive

__all__ = ["clear_abandoned", "own_folder"]


@contextmanager
def own_folder(stem: str, place: Path | None = None) -> Iterator[Path]:
    """A folder called ``STEM-PROCESS-...`` in ``place``, by default where temporary files go.

    What processes that were killed left under that stem is removed first.
    """
    place = place or Path(tempfile.gettempdir())
    clear_abandoned(stem, place)
    folder = tempfile.mkdtemp(prefix=f"{stem}-{os.getpid()}-", dir=place)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_abandoned(stem: str, place: Path) -> None:
    """Remove the folders ``STEM-PROCESS-...`` of processes that are gone."""
    for left in place.glob(f"{stem}-*"):
        number = left.name.removeprefix(f"{stem}-").partition("-")[0]
        if number.isdigit() and not is_alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)
