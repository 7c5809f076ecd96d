"""GIF: a screen, colour tables, blocks, an LZW stream in sub-blocks of up to 255 bytes.

The other reader is the decoder below, from the specification (GIF89a, 1990): it reads the first
picture where that covers the screen and is not interlaced. The format has no checksum: a flipped
bit of a colour or a code that still decodes is what the file says.
"""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image

from fuzzing.case import NotJudged, Wrong
from fuzzing.labelled import Pixels, base_pixels
from fuzzing.mutations import extreme, number_bytes

__all__ = ["base_gif", "mutate_gif", "read_gif"]

_SCREEN = 6


def base_gif(rng: random.Random) -> bytes:
    """A sound GIF, sometimes with transparency or a second picture."""
    pictures = [Image.fromarray(base_pixels(rng.randrange(4), channels=3)).quantize(32)]
    options = {}
    if rng.random() < 0.3:
        options["transparency"] = 3
    if rng.random() < 0.3:
        pictures.append(Image.fromarray(base_pixels(7, channels=3)).quantize(32))
    stream = io.BytesIO()
    pictures[0].save(
        stream, "GIF", save_all=True, append_images=pictures[1:], interlace=0, **options
    )
    return stream.getvalue()


def mutate_gif(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Change a field of the screen or of the first picture, or its stream."""
    start = _SCREEN + 7 + 3 * (2 << (data[10] & 7)) if len(data) > 13 else 0
    picture = data.find(b",", start)
    way = rng.choice(("screen", "flags", "picture", "code size", "block", "stream", "insert"))
    if way == "screen" or picture < 0:
        at, size = _SCREEN + rng.choice((0, 2)), 2
    elif way == "flags":
        at, size = rng.choice((10, 11, picture + 9)), 1
    elif way == "picture":
        at, size = picture + 1 + 2 * rng.randrange(4), 2
    elif way == "code size":
        at, size = picture + 10, 1
    elif way == "block":
        at, size = picture + 11, 1
    elif way == "insert":
        block = rng.choice(
            (b"!\xfe\xff" + b"x" * 255 + b"\0", b"!\xf9\4\t\0\0\3\0", b"!\xff\0", b";")
        )
        at = rng.choice((start, picture, len(data) - 1))
        return data[:at] + block + data[at:], f"block {block[:3]!r} put in at {at}"
    else:
        at, size = rng.randrange(picture, len(data)), 1
    value = rng.choice((extreme(rng), rng.randrange(256), rng.randrange(20)))
    return data[:at] + number_bytes(value, size) + data[at + size :], f"{way}: {value} at {at}"


def read_gif(data: bytes) -> Pixels:
    """uint8 ``[H, W, C]`` of the first picture, C 3 or 4 (with transparency)."""
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 13:
        raise Wrong("no GIF")
    width, height, flags = _word(data, 6), _word(data, 8), data[10]
    at = 13
    colours, at = _table(data, at, flags)
    clear: int | None = None
    while at < len(data) and data[at : at + 1] != b",":
        if data[at : at + 1] != b"!":
            raise NotJudged("something else than a block")
        body, end = _blocks(data, at + 2)
        if data[at + 1] == 0xF9 and len(body) >= 4 and body[0] & 1:
            clear = body[3]
        at = end
    box = tuple(_word(data, at + 1 + 2 * i) for i in range(4))
    if box != (0, 0, width, height) or data[at + 9] & 0x40:
        raise NotJudged("the picture is not the screen, or is interlaced")
    own, at = _table(data, at + 10, data[at + 9])
    body, _ = _blocks(data, at + 1)
    indices = _unpacked(body, data[at], width * height)
    colours = own or colours
    if not colours or int(indices.max(initial=0)) >= len(colours) // 3:
        raise NotJudged("a colour that the table does not have")
    found = np.frombuffer(colours, np.uint8).reshape(-1, 3)[indices].reshape(height, width, 3)
    if clear is None:
        return found
    alpha = np.where(indices == clear, 0, 255).astype(np.uint8).reshape(height, width, 1)
    return np.concatenate([found, alpha], axis=2)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _table(data: bytes, at: int, flags: int) -> tuple[bytes, int]:
    size = 3 * (2 << (flags & 7)) if flags & 0x80 else 0
    if at + size > len(data):
        raise Wrong("a colour table is cut off")
    return data[at : at + size], at + size


def _blocks(data: bytes, at: int) -> tuple[bytes, int]:
    """Join sub-blocks up to the empty one."""
    found = b""
    while True:
        if at >= len(data) or at + data[at] >= len(data):
            raise Wrong("a block is cut off")
        size = data[at]
        if not size:
            return found, at + 1
        found += data[at + 1 : at + 1 + size]
        at += 1 + size


def _unpacked(body: bytes, least: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Undo LZW: ``count`` indices."""
    if not 1 <= least <= 8 or count > 1 << 20:
        raise NotJudged(f"codes of {least} bits, {count} pixels")
    clear, end = 1 << least, (1 << least) + 1
    bits, have, at = 0, 0, 0
    table: list[list[int]] = []
    width = least + 1
    before: list[int] = []
    found: list[int] = []
    while len(found) < count:
        while have < width:
            if at == len(body):
                raise Wrong("the stream ends early")
            bits |= body[at] << have
            have, at = have + 8, at + 1
        code, bits, have = bits & ((1 << width) - 1), bits >> width, have - width
        if code == clear:
            table = [[value] for value in range(clear)] + [[], []]
            width, before = least + 1, []
            continue
        if code == end:
            raise Wrong("the stream ends early")
        if not table or code > len(table) or (code == len(table) and not before):
            raise NotJudged("a code that is not there yet")
        entry = table[code] if code < len(table) else [*before, before[0]]
        found += entry
        if before and len(table) < 4096:
            table.append([*before, entry[0]])
            if len(table) == 1 << width and width < 12:
                width += 1
        before = entry
    return np.array(found[:count])
