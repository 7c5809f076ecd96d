"""What a place that images come from has to offer; one file a source stands beside this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnlab.options import Option, Plain, fill_options
from cnnlab.registry import Registry

if TYPE_CHECKING:
    from cnnlab.data.decoding import Survey

__all__ = [
    "NO_OPTIONS",
    "SOURCES",
    "Allocate",
    "Decoded",
    "Found",
    "PathForm",
    "ReadOptions",
    "Say",
    "Source",
    "SourceOptions",
    "unsaid",
]

#: Says one line to the user (a choice made and its reason, files ignored, progress of a fetch).
Say = Callable[[str], None]


def unsaid(line: str) -> None:
    """Nobody listens."""
    del line


#: Gives a writable uint8 array ``[N, H, W, C]`` that lives where the cache wants the pixels, so
#: that large folders are decoded to the disk and not into memory.
Allocate = Callable[[tuple[int, int, int, int]], NDArray[np.uint8]]

#: The options that a source declares, by name.
SourceOptions = Mapping[str, Option[Plain]]

#: Those of a source that has none.
NO_OPTIONS: SourceOptions = {}


@dataclass(frozen=True)
class ReadOptions:
    """How images are read.

    Attributes
    ----------
    image_size: side of the square images in pixels; None: the median side, rounded, of encoded
        images, and the own size of arrays.
    channels: 1 (grey), 3 (colour) or 4 (with alpha); None: of encoded images 1 where every one is
        grey, else 3, and the own number of arrays.
    own: the source's own options, e.g. ``{"size": 1000}``; what is left out has its default.

    What does not follow the first two (``follows_form``) is read without them.
    """

    image_size: int | None = None
    channels: int | None = None
    own: Mapping[str, Plain] = field(default_factory=dict)

    def filled(
        self, owner: str, options: SourceOptions, *, follows_form: bool = True
    ) -> ReadOptions:
        """A copy with every option that ``owner`` declares, and with those alone that it follows.

        Raises as :func:`fill_options`.
        """
        filled = replace(self, own=fill_options(owner, options, self.own))
        return filled if follows_form else replace(filled, image_size=None, channels=None)

    def as_json(self) -> dict[str, object]:
        """The options as they stand in the cache's key."""
        form: dict[str, object] = {"image_size": self.image_size, "channels": self.channels}
        return {**form, "own": dict(self.own)} if self.own else form


@dataclass(frozen=True)
class Found:
    """A source's files on this machine.

    Attributes
    ----------
    path: the archive or folder.
    identity: what changes when the files change (sizes, times, options): the cache's key.
    """

    path: Path
    identity: Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a reader hands over; the attributes are those of ``Dataset``."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    parts: Mapping[str, int]
    notes: tuple[str, ...] = field(default=())


class Source(Protocol):
    """A dataset that is known by name.

    Attributes
    ----------
    name: what the user types, e.g. "fashion-mnist".
    title: what reports call it, e.g. "Fashion-MNIST".
    description: one line for ``cnnlab data list``.
    options: what may be chosen with ``--set data.OPTION=VALUE``.
    follows_form: whether image size and channels may be chosen; else it comes in one form.
    """

    name: str
    title: str
    description: str
    options: SourceOptions
    follows_form: bool

    def find(self) -> Found | None:
        """Look on this machine (``CNNLAB_DATA``, the cache, usual places); never downloads."""

    def fetch(self, say: Say, *, time_limit_seconds: float | None = None) -> Found:
        """Bring the files here, verified; raise ``DownloadError`` where that cannot be done.

        With ``time_limit_seconds`` the download is given up as soon as its projected time
        exceeds the limit.
        """

    def read(self, found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        """Verify and decode; raise ``DataError`` naming the file (and index) that is broken."""


@dataclass(frozen=True)
class PathForm:
    """A form in which images lie at a path of the user's.

    Attributes
    ----------
    recognise: returns what lies at an existing path; None where it is not of this form.
    read: decodes that; raises as :meth:`Source.read`. The options are complete.
    options: what may be chosen with ``--set data.OPTION=VALUE``.
    identify: what changes when any of the files changes, where what was recognised does not
        say so by itself.
    title: what reports call it; None: its name without the ending.
    survey: looks at the image files without decoding them; None where there are no such files.
    follows_form: as a source has it.
    """

    recognise: Callable[[Path], Found | None]
    read: Callable[[Found, ReadOptions, Allocate], Decoded]
    options: SourceOptions = field(default_factory=dict)
    identify: Callable[[Found, ReadOptions], Mapping[str, object]] | None = None
    title: Callable[[Path], str] | None = None
    survey: Callable[[Found, ReadOptions], Survey] | None = None
    follows_form: bool = True

    def identity(self, found: Found, options: ReadOptions) -> Mapping[str, object]:
        """The identity of what was recognised, for the cache's key."""
        return found.identity if self.identify is None else self.identify(found, options)


#: Every dataset known by name.
SOURCES: Registry[Source] = Registry("dataset")
