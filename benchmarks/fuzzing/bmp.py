"""BMP: a file header, an information header, a palette, rows from bottom to top.

The other reader below takes 24-bit and 8-bit pictures without compression under the usual header;
the rest is Pillow's to read. The format has no checksum.
"""

from __future__ import annotations

import io
import random
import struct

import numpy as np
from PIL import Image

from fuzzing.case import NotJudged, Wrong
from fuzzing.labelled import Pixels, base_pixels
from fuzzing.mutations import extreme, number_bytes

__all__ = ["base_bmp", "mutate_bmp", "read_bmp"]

#: Place and size of the headers' fields.
_FIELDS = (
    *((2, 4), (6, 4), (10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 4), (34, 4)),
    *((38, 4), (46, 4), (50, 4)),
)


def base_bmp(rng: random.Random) -> bytes:
    """A sound BMP of 24, 8 or 1 bits."""
    picture = Image.fromarray(base_pixels(rng.randrange(4), channels=3))
    stream = io.BytesIO()
    picture.convert(rng.choice(("RGB", "RGB", "P", "L", "1"))).save(stream, "BMP")
    return stream.getvalue()


def mutate_bmp(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Put another number into a field of the headers."""
    at, size = rng.choice(_FIELDS)
    value = rng.choice((extreme(rng), rng.randrange(64), -rng.randrange(20)))
    return data[:at] + number_bytes(value, size) + data[at + size :], f"field {at}: {value}"


def read_bmp(data: bytes) -> Pixels:
    """uint8 ``[H, W, 3]``."""
    if len(data) < 54 or data[:2] != b"BM":
        raise Wrong("no BMP")
    (start, head) = struct.unpack("<II", data[10:18])
    width, height, planes, bits, packing = struct.unpack("<iiHHI", data[18:34])
    used = struct.unpack("<I", data[46:50])[0]
    if head != 40 or planes != 1 or packing or bits not in (8, 24) or width < 1 or not height:
        raise NotJudged("a form that is rarer")
    if start < 14 + head:
        raise NotJudged("rows within the headers: decoders look for them behind these")
    stride = (width * bits // 8 + 3) // 4 * 4
    if start + stride * abs(height) > len(data) + (stride - width * bits // 8):
        raise Wrong("the rows are cut off")
    colours = (data[54 : 54 + 4 * (used or 256)]) if bits == 8 else b""
    if bits == 8 and (len(colours) % 4 or start < 54 + len(colours) or used > 256):
        raise NotJudged("an odd palette")
    padded = data[start:].ljust(stride * abs(height), b"\0")
    whole = np.frombuffer(padded, np.uint8, stride * abs(height)).reshape(-1, stride)
    rows: Pixels = whole[:, : width * bits // 8].reshape(abs(height), width, -1)
    rows = rows if height < 0 else rows[::-1]
    if bits == 24:
        return rows[..., ::-1]
    table = np.frombuffer(colours, np.uint8).reshape(-1, 4)[:, 2::-1]
    if int(rows.max()) >= len(table):
        raise NotJudged("a colour that the palette does not have")
    found: Pixels = table[rows[..., 0]]
    return found
