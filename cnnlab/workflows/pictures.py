"""Pictures that a user asks for by a file's name."""

from __future__ import annotations

from pathlib import Path

from cnnlab.errors import ConfigError
from cnnlab.evaluation.figures import Picture
from cnnlab.files import write_bytes

__all__ = ["picture_path", "write_picture"]

_ENDINGS = (".svg", ".png")


def picture_path(path: Path) -> Path:
    """Return the path of a picture that can be written; :class:`ConfigError` for other endings."""
    if path.suffix.lower() not in _ENDINGS:
        raise ConfigError(
            "no kind of picture that is written here",
            where=path,
            expected=f"a name that ends in {' or '.join(_ENDINGS)}",
        )
    return path


def write_picture(picture: Picture, path: Path) -> None:
    """Write it as SVG or PNG, by the name's ending; see :func:`picture_path`."""
    svg = picture_path(path).suffix.lower() == ".svg"
    write_bytes(path, picture.svg() if svg else picture.png())
