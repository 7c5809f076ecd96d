"""Opening checkpoints, whatever their folders are called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

__all__ = ["open_tensors"]


@contextmanager
def open_tensors(path: Path, framework: Literal["pt", "numpy"]) -> Iterator[Any]:
    """A ``.safetensors`` file, opened as ``safetensors.safe_open`` does.

    That takes names in UTF-8 only; what lies in a folder whose name is other bytes is opened here
    and passed on by its number. Raises ``OSError`` and ``safetensors.SafetensorError``.
    """
    from safetensors import safe_open

    with ExitStack() as stack:
        name = str(path)
        if not _is_utf8(name):
            name = f"/dev/fd/{stack.enter_context(path.open('rb')).fileno()}"
        yield stack.enter_context(safe_open(name, framework=framework))


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
