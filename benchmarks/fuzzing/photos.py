"""JPEG, WebP, TIFF and PPM: how they are made and damaged; the other reader of them is Pillow.

Their decoders are C libraries, and there is no second one here. Pillow is asked in its own way
(whole, orientation by ``ImageOps``, colours by formula), so what is judged is that cnnlab takes the
right picture of the file, the right way up, in the right colours and size. JPEG and WebP have no
checksum: a bit that is flipped within their compressed data is what the file says, and stays
unnoticed where the decoder does not notice it.
"""

from __future__ import annotations

import io
import random
import struct
from typing import Any

from PIL import Image

from fuzzing.labelled import base_pixels
from fuzzing.mutations import damage, extreme, number_bytes

__all__ = [
    "base_jpeg",
    "base_ppm",
    "base_tiff",
    "base_webp",
    "mutate_jpeg",
    "mutate_ppm",
    "mutate_tiff",
    "mutate_webp",
]


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _picture(rng: random.Random, side: int = 8) -> Image.Image:
    return Image.fromarray(base_pixels(rng.randrange(4), side, 3))


def base_jpeg(rng: random.Random) -> bytes:
    """A sound JPEG: grey, colour or CMYK, baseline or progressive, with any orientation."""
    options: dict[str, Any] = {"quality": rng.choice((50, 90)), "progressive": rng.random() < 0.3}
    if rng.random() < 0.5:
        exif = Image.Exif()
        exif[0x0112] = rng.randrange(10)
        options["exif"] = exif
    mode = rng.choice(("RGB", "RGB", "L", "CMYK"))
    return _saved(_picture(rng, 16).convert(mode), "JPEG", **options)


def mutate_jpeg(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Change a segment: its length, its place, its numbers; or end the picture early."""
    parts = _segments(data)
    at = rng.randrange(len(parts))
    marker = parts[at][:2].hex()
    way = rng.choice(("length", "drop", "twice", "swap", "size", "early", "inside", "new"))
    if way == "length" and len(parts[at]) > 4:
        parts[at] = parts[at][:2] + number_bytes(extreme(rng), 2, "big") + parts[at][4:]
    elif way == "drop":
        del parts[at]
    elif way == "twice":
        parts.insert(at, parts[at])
    elif way == "swap":
        rng.shuffle(parts)
    elif way == "size":
        frames = [i for i, part in enumerate(parts) if part[:2] in (b"\xff\xc0", b"\xff\xc2")]
        for i in frames[:1]:
            place = rng.choice((4, 5, 7, 9, 10, 11))
            lie = number_bytes(extreme(rng), 2 if place in (5, 7) else 1, "big")
            parts[i] = parts[i][:place] + lie + parts[i][place + len(lie) :]
    elif way == "early" and len(data) > 4:
        return data[: rng.randrange(4, len(data))] + b"\xff\xd9", "cut, and the end mark put back"
    elif way == "inside":
        parts[at] = damage(rng, parts[at])[0]
    else:
        body = rng.randbytes(rng.choice((0, 8, 300)))
        kind = rng.choice((0xE0, 0xE1, 0xE2, 0xEE, 0xDB, 0xC4, 0xDD, 0xFE, 0xC1, 0xD0))
        parts.insert(1, bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body)
    return b"".join(parts), f"{way} of segment {at} {marker}"


def _segments(data: bytes) -> list[bytes]:
    """The file cut before each segment; what comes behind the scan's header stays together."""
    parts, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        parts.append(data[at:end])
        at = max(end, at + 2)
    return [part for part in (*parts, data[at:]) if part] or [b"\xff\xd8"]


def base_webp(rng: random.Random) -> bytes:
    """A sound WebP, with and without loss and alpha."""
    picture = _picture(rng)
    if rng.random() < 0.4:
        picture = Image.fromarray(base_pixels(5, 8, 4))
    return _saved(picture, "WEBP", lossless=rng.random() < 0.5, quality=80)


def mutate_webp(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Change the container: sizes, names of chunks, the extended header, a chunk more."""
    way = rng.choice(("file size", "chunk size", "name", "extended", "twice", "header"))
    if way == "file size":
        return data[:4] + number_bytes(extreme(rng), 4) + data[8:], way
    if way == "chunk size":
        return data[:16] + number_bytes(extreme(rng), 4) + data[20:], way
    if way == "name":
        name = rng.choice((b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ALPH", b"EXIF"))
        return data[:12] + name + data[16:], f"the chunk is called {name!r}"
    if way == "extended":
        flags, side = rng.randrange(256), extreme(rng)
        body = bytes([flags, 0, 0, 0]) + number_bytes(side, 3) + number_bytes(7, 3)
        fresh = b"VP8X" + struct.pack("<I", 10) + body + data[12:]
        return data[:4] + struct.pack("<I", len(fresh) + 4) + data[8:12] + fresh, f"{way} {side}"
    if way == "twice":
        return data + data[12:], way
    at = 20 + rng.randrange(12)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :], f"{way} at {at}"


def base_tiff(rng: random.Random) -> bytes:
    """A sound TIFF: packed or not, of 8 or 16 bits."""
    picture = _picture(rng).convert(rng.choice(("RGB", "L", "P", "1", "I;16", "CMYK")))
    packing = rng.choice((None, "tiff_lzw", "tiff_adobe_deflate", "packbits"))
    return _saved(picture, "TIFF", compression=packing)


def mutate_tiff(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Put another tag, type, count or value into an entry of the directory."""
    (start,) = struct.unpack("<I", data[4:8].ljust(4, b"\0"))
    count = int.from_bytes(data[start : start + 2], "little") or 1
    entry = start + 2 + 12 * rng.randrange(count)
    at, size = rng.choice(((entry, 2), (entry + 2, 2), (entry + 4, 4), (entry + 8, 4), (4, 4)))
    value = rng.choice((extreme(rng), rng.randrange(20), rng.choice((256, 257, 258, 259, 262))))
    return data[:at] + number_bytes(value, size) + data[at + size :], f"entry {entry}: {value}"


def base_ppm(rng: random.Random) -> bytes:
    """A sound portable pixmap, in bytes or in digits."""
    pixels = base_pixels(rng.randrange(4), 8, rng.choice((1, 3)))
    grey = pixels.shape[2] == 1
    if rng.random() < 0.3:
        text = " ".join(map(str, pixels.ravel()))
        return f"P{2 if grey else 3}\n8 8\n255\n{text}\n".encode()
    return f"P{5 if grey else 6}\n8 8\n255\n".encode() + pixels.tobytes()


def mutate_ppm(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Put another word into the header."""
    head, _, rest = data.partition(b"255")
    words = [*head.split(), b"255"]
    at = rng.randrange(len(words))
    value = rng.choice((*(str(extreme(rng)),) * 3, "P1", "P4", "P7", "#", "Pf", "65535", "1e3", ""))
    words[at] = value.encode()
    return b"\n".join(words) + rest, f"word {at} is {value}"
