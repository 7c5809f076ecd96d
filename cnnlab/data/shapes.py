"""``shapes``: any number of drawn images whose every label, right or wrong, is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.data.counters import random_bits
from cnnlab.data.shapes_drawing import SIDE, covered, draw
from cnnlab.data.shapes_outlines import OUTLINES
from cnnlab.data.source import (
    SOURCES,
    Allocate,
    Decoded,
    Found,
    ReadOptions,
    Say,
    SourceOptions,
)
from cnnlab.options import Number, Plain, fill_options

__all__ = ["OPTIONS", "Planted", "Shapes", "planted", "shape_masks"]

OPTIONS: SourceOptions = {
    "size": Number(6000, low=1, high=1_000_000, meaning="images in all"),
    "drawing_seed": Number(0, low=0, high=2**63 - 1, meaning="another seed, other images"),
    "label_errors": Number(0.0, high=0.9, meaning="share of the rows whose label is wrong"),
    "duplicates": Number(0.0, high=0.5, meaning="share of the rows that repeat another row"),
}

_CLASSES = len(OUTLINES)
#: Every so many-th drawing is a test image, as in CIFAR-10.
_TEST_EVERY = 6
#: The version of the drawings: another one makes what was kept of an older one unused.
_VERSION = 1


class _Stream(IntEnum):
    """What a random number is for; far from those of the drawing."""

    CLASS = 1000
    WHICH_ERROR = auto()
    WRONG_LABEL = auto()
    WHICH_COPY = auto()
    ORIGINAL = auto()


@dataclass(frozen=True, eq=False)
class Planted:
    """The truth about every row.

    Attributes
    ----------
    labels: int64 ``[N]``, the labels that the dataset has.
    true_labels: int64 ``[N]``, the classes that were drawn.
    sources: int64 ``[N]``, the row that each row's image was drawn for: its own number, or that
        of the row which it repeats, byte for byte.
    """

    labels: NDArray[np.int64]
    true_labels: NDArray[np.int64]
    sources: NDArray[np.int64]

    @property
    def wrong_rows(self) -> NDArray[np.int64]:
        """The rows whose label is wrong, ascending; ``true_labels`` has the right ones."""
        return np.flatnonzero(self.labels != self.true_labels)

    @property
    def copied_rows(self) -> NDArray[np.int64]:
        """The rows that repeat another row, ascending; ``sources`` says which."""
        return np.flatnonzero(self.sources != np.arange(len(self.sources)))


def planted(**options: Plain) -> Planted:
    """Return which rows of ``shapes`` have a wrong label, and which repeat which.

    Takes the dataset's own options, e.g. ``planted(**run.typed_config().data.options())``; what
    is left out has its default. Nothing is drawn for it.

    A wrong label is any of the other nine, each as likely; a repeated image may lie in either
    part, and its label may be wrong where the original's is right. Raises as
    :func:`cnnlab.options.fill_options`.
    """
    size, seed, label_errors, duplicates = _parsed(options)
    drawings = _drawings(size)
    sources = _with_copies(seed, drawings, round(duplicates * size))
    true_labels = _classes(seed, size)[sources]
    labels = true_labels.copy()
    wrong = _lowest(seed, _Stream.WHICH_ERROR, drawings, round(label_errors * size))
    steps = 1 + _below(_CLASSES - 1, seed, _Stream.WRONG_LABEL, drawings[wrong])
    labels[wrong] = (labels[wrong] + steps) % _CLASSES
    return Planted(labels, true_labels, sources)


def shape_masks(rows: ArrayLike, **options: Plain) -> NDArray[np.bool_]:
    """The pixels of rows that lie, for the most part, on the shape: bool ``[K, 32, 32]``.

    With it one can ask whether an explanation looks at what was drawn. ``rows`` are whole numbers
    ``[K]``; the options as :func:`planted` takes them.
    """
    truth = planted(**options)
    size, seed, _, _ = _parsed(options)
    wanted = np.asarray(rows, dtype=np.int64)
    drawings = _drawings(size)[truth.sources[wanted]]
    return covered(seed, drawings, truth.true_labels[wanted]) > 0.5


def _parsed(options: dict[str, Plain]) -> tuple[int, int, float, float]:
    filled = fill_options(Shapes.name, OPTIONS, options)
    size, seed, label_errors, duplicates = (filled[name] or 0 for name in OPTIONS)
    return int(size), int(seed), float(label_errors), float(duplicates)


def _test_count(size: int) -> int:
    return size // _TEST_EVERY


def _drawings(size: int) -> NDArray[np.int64]:
    """The number of each row's drawing: five of six for train, the sixth for test."""
    test = np.arange(_test_count(size)) * _TEST_EVERY + _TEST_EVERY - 1
    train = np.arange(size - len(test))
    return np.concatenate([train + train // (_TEST_EVERY - 1), test]).astype(np.int64)


def _classes(seed: int, size: int) -> NDArray[np.int64]:
    """The class of each row: within a part, every ten rows hold each class once."""
    test = _test_count(size)
    labels = []
    for part, count in enumerate((size - test, test)):
        tens = -(-count // _CLASSES)
        keys = random_bits(
            seed, _Stream.CLASS, part, np.arange(tens)[:, None], np.arange(_CLASSES)[None, :]
        )
        labels.append(np.argsort(keys, axis=1, kind="stable").ravel()[:count])
    return np.concatenate(labels).astype(np.int64)


def _lowest(
    seed: int, stream: _Stream, drawings: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """``count`` rows, each as likely; the more are asked for, the more join them."""
    order = np.argsort(random_bits(seed, stream, drawings), kind="stable")
    return np.sort(order[:count])


def _below(limit: int, *keys: ArrayLike) -> NDArray[np.int64]:
    """A whole number below ``limit`` for each combination of keys."""
    return (random_bits(*keys) % np.uint64(limit)).astype(np.int64)


def _with_copies(seed: int, drawings: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The row whose image each row has; a copy's original is itself no copy."""
    sources = np.arange(len(drawings))
    copies = _lowest(seed, _Stream.WHICH_COPY, drawings, count)
    originals = np.setdiff1d(sources, copies)
    chosen = _below(len(originals), seed, _Stream.ORIGINAL, drawings[copies])
    sources[copies] = originals[chosen]
    return sources


class Shapes:
    """Ten shapes in any colour, size, place and turn, on a noisy ground: 32x32 pixels, colour.

    Five of six drawings are train, the sixth is test; classes are balanced within each part. The
    image and the class of a drawing depend on ``drawing_seed`` and its number alone, so each part
    of a smaller dataset is the beginning of the larger one's. Wrong labels and repeated images
    are as many as asked for, over both parts; :func:`planted` tells which they are.
    """

    name = "shapes"
    title = "Shapes"
    description = "any number of 32x32 colour images of 10 shapes, drawn here; no download"
    options = OPTIONS
    follows_form = False

    def find(self) -> Found | None:
        """Return the program that draws: there is no file of images."""
        return Found(Path(__file__), {"drawings": _VERSION})

    def fetch(self, say: Say, *, time_limit_seconds: float | None = None) -> Found:
        """Return what :meth:`find` does: there is nothing to download."""
        del time_limit_seconds  # nothing here takes time
        say("shapes are drawn on this machine: nothing to download")
        return Found(Path(__file__), {"drawings": _VERSION})

    def read(self, found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        """Draw: uint8 ``[size, 32, 32, 3]``."""
        del found  # the same on every machine
        size, seed, _, _ = _parsed(dict(options.own))
        truth = planted(**options.own)
        images = allocate((size, SIDE, SIDE, 3))
        draw(seed, _drawings(size), _classes(seed, size), images)
        copies = truth.copied_rows
        images[copies] = images[truth.sources[copies]]
        test = _test_count(size)
        return Decoded(
            images=images,
            labels=truth.labels,
            class_names=tuple(OUTLINES),
            parts={"train": size - test, **({"test": test} if test else {})},
            notes=_notes(truth),
        )


def _notes(truth: Planted) -> tuple[str, ...]:
    counts = {
        "labels are wrong": len(truth.wrong_rows),
        "images are copies of others": len(truth.copied_rows),
    }
    said = [f"{count:,} {what}" for what, count in counts.items() if count]
    if not said:
        return ()
    return (f"planted: of {len(truth.labels):,} rows, {', '.join(said)}",)


SOURCES.add(Shapes.name, Shapes())
