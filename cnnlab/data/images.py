"""One image file -> pixels: the same code for a folder's files and for what is predicted later."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from cnnlab.data.wholeness import is_whole
from cnnlab.errors import DataError

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "ImageHeader",
    "decode_image",
    "fit_pixels",
    "probe_image",
]

#: The largest image file that is read, in bytes.
MAX_FILE_BYTES = 64 << 20
#: The largest image that is decoded, in pixels (a 50,000 x 50,000 PNG has 2,500 million).
MAX_PIXELS = 80_000_000
#: File names that promise an image which can be read here.
IMAGE_SUFFIXES = frozenset(
    {".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm"}
    | {".ppm", ".tif", ".tiff", ".webp"}
)

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class ImageHeader:
    """What an image file says of itself: sides in pixels and Pillow's mode ("L", "RGB", ...)."""

    width: int
    height: int
    mode: str

    @property
    def is_grey(self) -> bool:
        """Whether every pixel is grey by the file's colour mode (a palette counts as colour)."""
        return self.mode in _GREY


def probe_image(
    source: bytes | BinaryIO, where: object, *, max_pixels: int = MAX_PIXELS
) -> ImageHeader:
    """Read an image's header only; ``source`` is its bytes or a seekable stream.

    Raises :class:`DataError` naming ``where`` when it is no image or has more than ``max_pixels``.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    with _opened(stream, where, max_pixels) as image:
        return ImageHeader(*image.size, image.mode)


def decode_image(
    source: bytes | BinaryIO,
    where: object,
    *,
    size: int | tuple[int, int],
    channels: int,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Decode an image file to a square of ``size`` pixels, or to ``size`` (height, width).

    The EXIF orientation is applied. The whole picture is kept: sides are squashed with an
    antialiased filter, and an image that has the size already keeps its pixels exactly.
    Transparency is composited over white unless ``channels`` is 4; 16-bit grey is scaled to 8.
    Of an animation the first frame is taken.

    Parameters
    ----------
    source: the file's bytes, or a stream to read them from.
    where: what errors call it.
    channels: 1 (grey, ITU-R 601 luma), 3 (RGB) or 4 (RGB and alpha).
    max_pixels: of the image as its header has it.

    Returns
    -------
    uint8 ``[height, width, channels]``.

    Raises :class:`DataError` for what is no image, is cut off, or is too large: decided before
    any pixel is decoded, so that memory stays bounded.
    """
    height, width = (size, size) if isinstance(size, int) else size
    data = source if isinstance(source, bytes) else source.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise DataError(f"the file has more than {MAX_FILE_BYTES:,} bytes", where=where)
    with _opened(io.BytesIO(data), where, max_pixels) as image:
        if not is_whole(data, image.format):
            raise DataError("the image is cut off or damaged", where=where)
        # Lets the JPEG decoder skip detail that the resize would average away; it keeps at
        # least twice the size asked for, so that the antialiasing filter still decides.
        image.draft(None, (2 * max(height, width), 2 * max(height, width)))
        image.load()
        return _fitted(_upright(image), where, height, width, channels)


def fit_pixels(
    pixels: NDArray[np.uint8], *, height: int, width: int, channels: int
) -> NDArray[np.uint8]:
    """Bring pixels, uint8 ``[H, W, C]``, to another form as :func:`decode_image` does a file.

    Returns uint8 ``[height, width, channels]``.
    """
    if pixels.shape == (height, width, channels):
        return pixels
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    return _fitted(image, None, height, width, channels)


def _fitted(
    image: Image.Image, where: object, height: int, width: int, channels: int
) -> NDArray[np.uint8]:
    picture = _in_mode(image, _MODES[channels], where)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.array(picture, dtype=np.uint8).reshape(height, width, channels)


@contextmanager
def _opened(stream: BinaryIO, where: object, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image within the pixel limit; whatever goes wrong inside is a DataError."""
    try:
        with _SILENCE, Image.open(stream, formats=_FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise _too_large(where, max_pixels)
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(where, max_pixels) from None
    except UnidentifiedImageError:
        raise DataError(
            "the file is no image that can be read", where=where, expected=", ".join(_FORMATS)
        ) from None
    # Pillow's readers trip over broken files with nearly any exception there is (SyntaxError,
    # struct.error, KeyError ...), and each of them means the same to the user.
    except Exception as error:
        raise DataError(f"the image is broken: {_reason(error)}", where=where) from error


def _too_large(where: object, max_pixels: int) -> DataError:
    return DataError(f"the image has more than {max_pixels:,} pixels", where=where)


def _reason(error: Exception) -> str:
    text = str(error)
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return "it is cut off"
    return text or type(error).__name__


def _upright(image: Image.Image) -> Image.Image:
    """Turn a loaded image as its EXIF orientation says; unreadable EXIF says nothing."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    # As above: a picture is no worse for an EXIF block that Pillow cannot parse.
    except Exception:
        return image
    method = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if method is None else image.transpose(method)


def _in_mode(image: Image.Image, mode: str, where: object) -> Image.Image:
    """Bring an image to 8 bits a channel in ``mode`` ("L", "RGB" or "RGBA")."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = _from_16_bits(image, where)
    if image.mode == "F":
        raise DataError(
            "pixels are floating-point numbers", where=where, expected="8 or 16 bits a channel"
        )
    if mode != "RGBA" and image.has_transparency_data:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        image = Image.alpha_composite(white, picture)
    return image if image.mode == mode else image.convert(mode)


def _from_16_bits(image: Image.Image, where: object) -> Image.Image:
    """Bring grey of 16 bits to 8, with alpha where the file calls one value transparent."""
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise DataError(
            f"grey values reach from {values.min()} to {values.max()}",
            where=where,
            expected="0 to 65535",
        )
    grey = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    # Told by all 16 bits: other values may become the same grey.
    alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
    return Image.merge("LA", [grey, Image.fromarray(alpha)])


class _Silence:
    """Keeps Pillow's warnings (odd EXIF, large images) from the user while a thread decodes.

    ``warnings.catch_warnings`` swaps a list that all threads share, and threads that overlap
    would put back the wrong one: the first one in swaps it, the last one out puts it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._saved.__exit__(kind, error, traceback)


_SILENCE = _Silence()
