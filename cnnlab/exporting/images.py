"""The images that an exported file is tried on: the run's validation split, or generated ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.images import fit_pixels
from cnnlab.data.source import Say
from cnnlab.errors import FailedError, InputError
from cnnlab.runs import open_run

if TYPE_CHECKING:
    from cnnlab.bundle import Bundle

__all__ = ["Trial", "calibration_images", "trial_of"]

_GENERATED = 512
#: Sides of the coarse patterns among generated images, before they are enlarged.
_COARSE = 4


@dataclass(frozen=True, eq=False)
class Trial:
    """Images by the rows of an array that may be larger than the memory.

    Attributes
    ----------
    split: "validation", or "generated".
    images: uint8 ``[M, H, W, C]``, memory-mapped or not.
    rows: int64 ``[N]``, those that count.
    labels: int64 ``[N]``; None where the images are generated.
    calibration: int64 rows of training images; None where there are none.
    reason: why they are generated; None where they are not.
    """

    split: str
    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64] | None
    calibration: NDArray[np.int64] | None = None
    reason: str | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def places(self, count: int) -> NDArray[np.int64]:
        """So many places among the rows, evenly spread; all where there are no more."""
        return _spread(len(self), count)

    def some(self, places: NDArray[np.int64]) -> Trial:
        """Those at some places among the rows."""
        labels = None if self.labels is None else self.labels[places]
        return Trial(self.split, self.images, self.rows[places], labels, self.calibration)

    def blocks(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """So many images at a time, contiguous."""
        for start in range(0, len(self), size):
            yield np.ascontiguousarray(self.images[self.rows[start : start + size]])


def trial_of(bundle: Bundle, say: Say) -> Trial:
    """The bundle's validation images, if it is a run's whose data is there; else generated ones.

    ``say`` is told why they are generated. Nothing is downloaded.
    """
    if bundle.source.is_file():
        reason = "a bundle holds no images"
    else:
        run = open_run(bundle.source)
        try:
            dataset = run.open_dataset(say, offline=True)
        except (InputError, FailedError) as error:
            reason = f"its data is not to be had: {error}"
        else:
            rows, train = (np.array(run.split[part], np.int64) for part in ("validation", "train"))
            largest = max((int(part.max()) for part in (rows, train) if len(part)), default=0)
            if dataset.image_shape != bundle.input_shape or largest >= len(dataset):
                reason = f"its network or split does not fit {dataset.name}"
            elif len(rows):
                return Trial("validation", dataset.images, rows, dataset.labels[rows], train)
            else:
                reason = "it holds no image for validation"
    say(f"{bundle.source}: {reason}; the file is tried on {_GENERATED} generated images")
    return _generated(bundle.input_shape, reason)


def _generated(shape: tuple[int, int, int], reason: str) -> Trial:
    """Noise and coarse patterns, half of each, and single colours; the same ones every time."""
    height, width, channels = shape
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (_GENERATED, height, width, channels), dtype=np.uint8)
    for row in range(0, _GENERATED, 2):
        coarse = generator.integers(0, 256, (_COARSE, _COARSE, 4), dtype=np.uint8)
        kind = coarse[..., : channels if channels in (1, 3, 4) else 1]
        size = {"height": height, "width": width, "channels": kind.shape[2]}
        images[row] = fit_pixels(np.ascontiguousarray(kind), **size)
    images[0], images[1] = 0, 255
    rows = np.arange(_GENERATED, dtype=np.int64)
    return Trial("generated", images, rows, None, reason=reason)


def calibration_images(trial: Trial, count: int, *, where: object) -> NDArray[np.uint8]:
    """So many training images of the run, evenly spread, uint8 ``[n, H, W, C]``.

    Raises :class:`InputError` naming ``where`` if there are none.
    """
    rows = trial.calibration
    if rows is None or not len(rows):
        raise InputError(
            "int8 needs the run's training images, to measure ranges on, and its validation "
            f"images, to measure what it costs; {trial.reason}",
            where=where,
            expected="a run with images for validation, whose data is on this machine",
            todo="leave --int8 out, or name the folder of such a run",
        )
    return np.ascontiguousarray(trial.images[rows[_spread(len(rows), count)]])


def _spread(length: int, count: int) -> NDArray[np.int64]:
    if count >= length:
        return np.arange(length, dtype=np.int64)
    return np.arange(count, dtype=np.int64) * length // count
