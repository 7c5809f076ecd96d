"""Images that a user drops on the page, asked of a run's network."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnlab.bundle import Bundle, bundle_of
from cnnlab.data.images import probe_image
from cnnlab.errors import CnnlabError, DataError
from cnnlab.explanation import grad_cam, layer_cam
from cnnlab.page.memory import Memory, state_of
from cnnlab.page.pictures import png_of
from cnnlab.prediction.answers import ClassProbability, checked_top_k, predictions_from
from cnnlab.runs import Run

__all__ = [
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "MAX_TOTAL_BYTES",
    "BundleStore",
    "Trial",
    "Upload",
    "try_it",
]

#: Images at once, bytes of each, and pixels that one may have: a photograph of a good camera.
MAX_FILES, MAX_FILE_BYTES, MAX_PIXELS = 16, 16 << 20, 50_000_000
#: Bytes of all images together; with their form they fit into what a request may bring along.
MAX_TOTAL_BYTES = 64 << 20
#: Viridis at five places; evenly light from low to high, with any kind of colour vision.
_VIRIDIS = np.array(
    [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], dtype=np.float64
)
_HEAT_SHARE = 0.55
_SHOWN_SIDE = 192


@dataclass(frozen=True)
class Upload:
    """A file as it came: what its sender calls it, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Trial:
    """One image's answer, or why there is none.

    Attributes
    ----------
    top: the likeliest classes with their probabilities (0 to 1), the likeliest first.
    seen: a data URI of the image as the network gets it.
    heat: one of where Grad-CAM says the first class was seen; None for a network without a map.
    fine_heat: likewise, by Layer-CAM.
    """

    name: str
    error: str | None = None
    top: tuple[ClassProbability, ...] = ()
    seen: str = ""
    heat: str | None = None
    fine_heat: str | None = None


class BundleStore:
    """Networks that were asked last, kept until their weights change."""

    def __init__(self) -> None:
        self._memory: Memory[Bundle] = Memory(3)

    def of(self, run: Run) -> Bundle:
        """The network of a run; :class:`CnnlabError` where it has none that can be used."""
        state = state_of((run.best_weights, run.temperature_file))
        return self._memory.get(run.path, state, lambda: bundle_of(run))


def try_it(bundle: Bundle, uploads: Sequence[Upload]) -> list[Trial]:
    """Ask a network about each image; what is no image says so, and the others are answered."""
    return [_answered(bundle, upload) for upload in uploads]


def _answered(bundle: Bundle, upload: Upload) -> Trial:
    try:
        pixels = _pixels(bundle, upload)
        logits = bundle.logits(pixels[None])
    except CnnlabError as error:
        expected = f"; expected {error.expected}" if error.expected else ""
        return Trial(upload.name, error=f"{error.what}{expected}")
    top_k = checked_top_k(None, bundle)
    [said] = predictions_from(bundle, logits, [upload.name], top_k=top_k)
    label = int(logits[0].argmax())
    return Trial(
        name=upload.name,
        top=said.top,
        seen=_data_uri(_enlarged(pixels)),
        heat=_heat(grad_cam, bundle, pixels, label),
        fine_heat=_heat(layer_cam, bundle, pixels, label),
    )


def _pixels(bundle: Bundle, upload: Upload) -> NDArray[np.uint8]:
    if len(upload.content) > MAX_FILE_BYTES:
        raise DataError(f"the file has more than {MAX_FILE_BYTES >> 20} MiB", where=upload.name)
    probe_image(upload.content, upload.name, max_pixels=MAX_PIXELS)  # before it is decoded
    return bundle.read_image(upload.content, upload.name)


def _heat(
    method: Callable[[Bundle, NDArray[np.uint8], int], NDArray[np.float32]],
    bundle: Bundle,
    pixels: NDArray[np.uint8],
    label: int,
) -> str | None:
    """Where the class was seen, as a data URI; None where the network has no map to ask."""
    try:
        return _data_uri(_overlaid(pixels, method(bundle, pixels, label)))
    except CnnlabError:  # a network without convolutions has nothing to look at
        return None


def _enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each pixel as a square, so that nothing is smoothed that the network does not see so."""
    times = max(1, _SHOWN_SIDE // max(pixels.shape[:2]))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def _overlaid(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The image in grey under the map in viridis, uint8 ``[H, W, 3]``."""
    large = _enlarged(pixels)
    grey = large[..., : min(3, large.shape[2])].mean(axis=2, keepdims=True)
    strength = np.maximum(heat - min(float(heat.min()), 0.0), 0.0)
    strength = strength / max(float(strength.max()), 1e-12)
    picture = Image.fromarray((255 * strength).astype(np.uint8))
    smooth = np.asarray(picture.resize(large.shape[1::-1], Image.Resampling.BILINEAR)) / 255
    colours = np.stack(
        [np.interp(smooth, np.linspace(0, 1, len(_VIRIDIS)), _VIRIDIS[:, c]) for c in range(3)],
        axis=2,
    )
    mixed: NDArray[np.uint8] = ((1 - _HEAT_SHARE) * grey + _HEAT_SHARE * colours).astype(np.uint8)
    return mixed


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    return f"data:image/png;base64,{base64.b64encode(png_of(pixels)).decode('ascii')}"
