"""Pictures that a user asks for by a file's name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cnnlab.errors import ConfigError
from cnnlab.evaluation.figures import Picture
from cnnlab.files import write_bytes

__all__ = ["picture_path", "write_picture"]

_ENDINGS = (".svg", ".png")


def picture_path(path: Path, images: Iterable[str | Path] = ()) -> Path:
    """Return the path of a picture that can be written.

    Raises :class:`ConfigError` for other endings, and for what is one of ``images`` (files, or
    folders of them): a picture of an answer never takes the place of what was asked about.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise ConfigError(
            "no kind of picture that is written here",
            where=path,
            expected=f"a name that ends in {' or '.join(_ENDINGS)}",
        )
    if path.is_file() and any(_holds(Path(image), path) for image in images):
        raise ConfigError("one of the images itself", where=path, expected="another name")
    return path


def _holds(place: Path, path: Path) -> bool:
    real, place = path.resolve(), place.resolve()
    return place == real or place in real.parents


def write_picture(picture: Picture, path: Path) -> None:
    """Write it as SVG or PNG, by the name's ending; see :func:`picture_path`."""
    svg = picture_path(path).suffix.lower() == ".svg"
    write_bytes(path, picture.svg() if svg else picture.png())
