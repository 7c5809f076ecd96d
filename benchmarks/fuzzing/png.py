"""PNG: chunks with lengths and CRC-32, a zlib stream of filtered rows.

The other reader is the decoder below, from the specification (ISO/IEC 15948): it reads images of 8
bits without interlacing, palettes and tRNS included, and takes no file with a wrong CRC, Adler-32,
length or order. Other depths and interlaced images are Pillow's to read once the CRCs have been
checked here.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from fuzzing.case import NotJudged, Wrong
from fuzzing.labelled import Pixels, base_pixels
from fuzzing.mutations import EXTREMES, number_bytes

__all__ = ["MAGIC", "Chunk", "base_png", "chunks_of", "join", "make_png", "mutate_png", "read_png"]

MAGIC = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass(frozen=True)
class Chunk:
    """A chunk; ``crc`` None: the right one."""

    kind: bytes
    data: bytes
    crc: int | None = None
    length: int | None = None

    def packed(self) -> bytes:
        crc = zlib.crc32(self.kind + self.data) if self.crc is None else self.crc
        length = len(self.data) if self.length is None else self.length
        return number_bytes(length, 4, "big") + self.kind + self.data + number_bytes(crc, 4, "big")


def join(chunks: list[Chunk]) -> bytes:
    return MAGIC + b"".join(chunk.packed() for chunk in chunks)


def make_png(pixels: Pixels, *, palette: bool = False) -> bytes:
    """A PNG of 8 bits by hand: grey, RGB or RGBA; a palette of the first channel where asked."""
    height, width, channels = pixels.shape
    kind = {1: 0, 3: 2, 4: 6}[channels]
    rows = pixels
    extra = []
    if palette:
        kind, rows = 3, pixels[..., :1]
        extra = [Chunk(b"PLTE", bytes(range(256)) * 3)]
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = [Chunk(b"IHDR", head), *extra, Chunk(b"IDAT", zlib.compress(raw)), Chunk(b"IEND", b"")]
    return join(parts)


def chunks_of(data: bytes) -> Iterator[Chunk]:
    """The chunks as they stand; raises :class:`Wrong` for one that is cut off."""
    if data[:8] != MAGIC:
        raise Wrong("no PNG")
    at = 8
    while at < len(data):
        if at + 12 > len(data):
            raise Wrong("a chunk is cut off")
        (length,) = struct.unpack(">I", data[at : at + 4])
        end = at + 12 + length
        if end > len(data):
            raise Wrong("a chunk is cut off")
        (crc,) = struct.unpack(">I", data[end - 4 : end])
        yield Chunk(data[at + 4 : at + 8], data[at + 8 : end - 4], crc)
        if data[at + 4 : at + 8] == b"IEND":
            return  # what follows is nobody's
        at = end
    raise Wrong("there is no end")


def read_png(data: bytes) -> Pixels:
    """uint8 ``[H, W, C]``, C 1, 3 or 4; :class:`NotJudged` for what the decoder does not know."""
    parts = [*chunks_of(data)]
    for part in parts:
        if part.crc != zlib.crc32(part.kind + part.data):
            raise Wrong(f"the CRC of {part.kind!r} is wrong")
    kinds = [part.kind for part in parts]
    if kinds[0] != b"IHDR" or len(parts[0].data) < 13:
        raise Wrong("it does not begin with IHDR")
    if kinds.count(b"IHDR") > 1 or b"eXIf" in kinds:
        raise NotJudged("more than one header, or an orientation")
    width, height, depth, kind, method, filters, interlace = struct.unpack(
        ">IIBBBBB", parts[0].data[:13]
    )
    if depth != 8 or interlace or method or filters or kind not in _SAMPLES:
        raise NotJudged("another depth, interlaced, or of a kind that is not in the standard")
    packed = b"".join(part.data for part in parts if part.kind == b"IDAT")
    found = {part.kind: part.data for part in reversed(parts)}
    raw = _inflated(packed, height * (1 + width * _SAMPLES[kind]))
    rows = _unfiltered(raw, height, width, _SAMPLES[kind])
    return _coloured(rows, kind, found)


def _inflated(packed: bytes, size: int) -> bytes:
    # Damage a megabyte behind the rows is none of the picture's, and costs memory to find.
    most = size + (1 << 20)
    try:
        raw = zlib.decompressobj().decompress(packed, most)
    except zlib.error as error:
        raise Wrong(f"the stream is damaged: {error}") from None
    if len(raw) < size:
        raise Wrong("the stream ends early")
    return raw[:size]


def _unfiltered(raw: bytes, height: int, width: int, samples: int) -> Pixels:
    stride = width * samples
    before = [0] * stride
    rows = []
    for at in range(0, height * (1 + stride), 1 + stride):
        kind, row = raw[at], list(raw[at + 1 : at + 1 + stride])
        if kind > 4:
            raise Wrong(f"a row has the filter {kind}")
        for i in range(stride):
            left = row[i - samples] if i >= samples else 0
            corner = before[i - samples] if i >= samples else 0
            up = before[i]
            guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
            row[i] = (row[i] + guess) & 255
        rows.append(row)
        before = row
    return np.array(rows, dtype=np.uint8).reshape(height, width, samples)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def _coloured(rows: Pixels, kind: int, found: dict[bytes, bytes]) -> Pixels:
    """The colours, with the transparency that is said beside them."""
    see_through = found.get(b"tRNS")
    if kind == 3:
        palette = found.get(b"PLTE", b"")
        if len(palette) % 3 or int(rows.max()) >= len(palette) // 3:
            raise NotJudged("a colour that the palette does not have")
        colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)[rows[..., 0]]
        if see_through is None:
            return colours
        alpha = np.full(256, 255, dtype=np.uint8)
        alpha[: len(see_through)] = np.frombuffer(see_through[:256], np.uint8)
        return np.concatenate([colours, alpha[rows]], axis=2)
    if see_through is not None:
        raise NotJudged("one colour is transparent")
    if kind == 4:
        return np.concatenate([np.repeat(rows[..., :1], 3, axis=2), rows[..., 1:]], axis=2)
    return rows


def mutate_png(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Change a chunk, with its CRC put right or left wrong; or the order of chunks."""
    try:
        parts = [*chunks_of(data)]
    except Wrong:
        return data + b"\0", "a byte more"
    at = rng.randrange(len(parts))
    part = parts[at]
    kind = rng.choice(("header", "data", "crc", "length", "drop", "twice", "swap", "new", "stream"))
    if kind == "header":
        size, place = rng.choice(((4, 0), (4, 4), (1, 8), (1, 9), (1, 10), (1, 11), (1, 12)))
        value = rng.choice(EXTREMES) if size == 4 else rng.randrange(20)
        head = parts[0].data
        head = head[:place] + number_bytes(value, size, "big") + head[place + size :]
        parts[0] = Chunk(b"IHDR", head)
    elif kind == "data" and part.data:
        place = rng.randrange(len(part.data))
        changed = bytes([part.data[place] ^ (1 << rng.randrange(8))])
        fresh = part.data[:place] + changed + part.data[place + 1 :]
        parts[at] = Chunk(part.kind, fresh, part.crc if rng.random() < 0.5 else None)
    elif kind == "crc":
        parts[at] = Chunk(part.kind, part.data, rng.getrandbits(32))
    elif kind == "length":
        parts[at] = Chunk(part.kind, part.data, None, rng.choice(EXTREMES))
    elif kind == "drop":
        del parts[at]
    elif kind == "twice":
        parts.insert(at, part)
    elif kind == "swap":
        rng.shuffle(parts)
    elif kind == "new":
        parts.insert(rng.randrange(1, len(parts) + 1), _new_chunk(rng))
    else:
        parts = _other_stream(rng, parts)
    return join(parts), f"{kind} of chunk {at} {part.kind!r}"


def _new_chunk(rng: random.Random) -> Chunk:
    body = rng.randbytes(rng.choice((0, 1, 6, 13, 256, 5000)))
    bomb = b"Comment\0\0" + zlib.compress(bytes(20_000_000))
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    kind, data = rng.choice(
        (
            *((b"tRNS", body), (b"PLTE", body), (b"gAMA", body[:4]), (b"zTXt", bomb)),
            *((b"iCCP", bomb), (b"iTXt", b"k\0\1\0\0\0" + bomb[9:]), (b"eXIf", exif)),
            *((b"eXIf", body), (b"acTL", b"\0\0\0\2\0\0\0\0"), (b"fdAT", body), (b"IHDR", body)),
            *((b"tEXt", body), (rng.randbytes(4), body), (b"IDAT", body), (b"sBIT", body)),
        )
    )
    return Chunk(kind, data)


def _other_stream(rng: random.Random, parts: list[Chunk]) -> list[Chunk]:
    """Another zlib stream: damaged rows, too few, too many, a bomb, divided into many chunks."""
    packed = b"".join(part.data for part in parts if part.kind == b"IDAT")
    raw = bytes(20_000_000)
    if rng.random() < 0.9:
        with suppress(zlib.error):
            raw = zlib.decompressobj().decompress(packed)
    way = rng.choice(("filter", "short", "long", "many", "checksum"))
    if way == "filter" and raw:
        place = rng.randrange(len(raw))
        raw = raw[:place] + bytes([rng.randrange(256)]) + raw[place + 1 :]
    elif way == "short":
        raw = raw[: rng.randrange(len(raw) + 1)]
    elif way == "long":
        raw += rng.randbytes(100)
    packed = zlib.compress(raw)
    if way == "checksum":
        packed = packed[:-4] + rng.randbytes(4)
    step = 7 if way == "many" and len(packed) < 2000 else len(packed)
    fresh = [Chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    others = [part for part in parts if part.kind != b"IDAT"]
    return [*others[:-1], *fresh, *others[-1:]]


def base_png(rng: random.Random) -> bytes:
    """A sound PNG of one of the common kinds."""
    channels = rng.choice((1, 3, 3, 4))
    pixels = base_pixels(rng.randrange(4), channels=channels)
    return make_png(pixels, palette=channels == 3 and rng.random() < 0.3)
