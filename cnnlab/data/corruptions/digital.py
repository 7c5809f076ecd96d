"""Digital: too little contrast, a rubber sheet, too few pixels, too few bits."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.corruptions.batch import Batch, Levels, as_levels
from cnnlab.data.corruptions.catalogue import corruption
from cnnlab.data.corruptions.warping import sampled

__all__ = ["contrast", "elastic_transform", "jpeg", "pixelate"]

#: Share of the contrast that is left.
CONTRASTS = (0.75, 0.5, 0.4, 0.3, 0.15)
#: Height of the rubber sheet's waves before they are smoothed, sigma of the smoothing, and how
#: far three corners are pulled: shares of the image's shorter side.
SHEETS = (
    (0.0, 0.0, 0.08),
    (0.05, 0.2, 0.07),
    (0.08, 0.06, 0.06),
    (0.1, 0.04, 0.05),
    (0.1, 0.03, 0.03),
)
#: Share of the pixels that is left on each side.
PIXELS = (0.95, 0.9, 0.85, 0.75, 0.65)
QUALITIES = (80, 65, 58, 50, 40)


@corruption("contrast", family="digital", title="Contrast")
def contrast(batch: Batch, severity: int) -> Levels:
    """Move every value towards the mean of its channel in the image."""
    pixels = batch.size[0] * batch.size[1]
    # Whole numbers, so that the sum is the same in whatever order it is taken.
    sums = batch.images.sum(axis=(1, 2), dtype=np.int64, keepdims=True)
    means = (sums / (255 * pixels)).astype(np.float32)
    return as_levels((batch.levels - means) * np.float32(CONTRASTS[severity - 1]) + means)


@corruption("elastic-transform", family="digital", title="Elastic transform")
def elastic_transform(batch: Batch, severity: int) -> Levels:
    """Pull at three corners, then at every pixel (P. Simard et al., ICDAR 2003).

    Lengths are shares of the shorter side, as in the paper's program, at every image size. Both
    pulls are sampled bilinearly, one after the other.
    """
    from scipy.ndimage import gaussian_filter

    height, width = batch.size
    side = min(height, width)
    waves, sigma, pull = (side * share for share in SHEETS[severity - 1])
    rows, columns = _pulled(batch, pull)
    levels = sampled(batch.levels, rows, columns, repeat_edge=False)
    if not waves:
        return levels
    drawn = batch.draws.uniform(1, 2 * height * width, -1, 1)
    noise = drawn.reshape(len(drawn), 2, height, width)
    steps = waves * gaussian_filter(noise, (0, 0, sigma, sigma), mode="reflect", truncate=3)
    row, column = np.arange(height)[:, None], np.arange(width)[None, :]
    return sampled(levels, row + steps[:, 0], column + steps[:, 1], repeat_edge=True)


def _pulled(batch: Batch, pull: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each pixel comes from, ``[N, H, W]`` rows and columns, after three points moved."""
    height, width = batch.size
    middle = np.array([height // 2, width // 2], dtype=np.float64)
    arm = max(1, min(height, width) // 3)
    points = middle + arm * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = points + batch.draws.uniform(0, 6, -pull, pull).reshape(-1, 3, 2)
    homogeneous = np.concatenate([moved, np.ones((len(moved), 3, 1))], axis=2)
    back = np.linalg.solve(homogeneous, np.broadcast_to(points, moved.shape))
    row, column = np.arange(height)[:, None], np.arange(width)[None, :]
    to_row, to_column = (back[:, :, axis, None, None] for axis in (0, 1))
    return (
        to_row[:, 0] * row + to_row[:, 1] * column + to_row[:, 2],
        to_column[:, 0] * row + to_column[:, 1] * column + to_column[:, 2],
    )


@corruption("pixelate", family="digital", title="Pixelate")
def pixelate(batch: Batch, severity: int) -> NDArray[np.uint8]:
    """Shrink the image to fewer pixels and enlarge it again, both by Pillow's box filter."""
    from PIL import Image

    height, width = batch.size
    share = PIXELS[severity - 1]
    small = (max(1, int(width * share)), max(1, int(height * share)))
    box = Image.Resampling.BOX
    found = np.empty_like(batch.images)
    for image, into in zip(batch.images, found, strict=True):
        few = Image.fromarray(_flat(image)).resize(small, box)
        into[...] = np.asarray(few.resize((width, height), box)).reshape(image.shape)
    return found


@corruption("jpeg", family="digital", title="JPEG compression")
def jpeg(batch: Batch, severity: int) -> NDArray[np.uint8]:
    """Save the image as JPEG, with Pillow's usual settings, and read it back."""
    from PIL import Image

    found = np.empty_like(batch.images)
    for image, into in zip(batch.images, found, strict=True):
        file = io.BytesIO()
        Image.fromarray(_flat(image)).save(file, "JPEG", quality=QUALITIES[severity - 1])
        into[...] = np.asarray(Image.open(file)).reshape(image.shape)
    return found


def _flat(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What Pillow takes: a grey image has no axis of channels."""
    return image[..., 0] if image.shape[-1] == 1 else image
