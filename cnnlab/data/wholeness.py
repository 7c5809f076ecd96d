"""Whether an image file is whole, in the formats whose decoder forgives what is missing.

Pillow stops reading at the last row that it needs: it takes PNG files with damaged data, and GIF
files of which a part of the picture is not there and stays black. What the formats themselves say
is checked here.
"""

from __future__ import annotations

import struct
import zlib

__all__ = ["is_whole"]

_PNG_MAGIC = 8
_GIF_MAGIC = 6
_LARGEST_CODE_BITS = 12
_COMMENT = 0xFE
_BLOCK_BYTES = 1 << 20
#: Samples a pixel of PNG's colour types.
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: First column and row, and the steps, of the passes of an interlaced PNG.
_ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)


def is_whole(data: bytes, image_format: str | None) -> bool:
    """Whether nothing of a file is missing or damaged, as far as its format can tell.

    PNG: every chunk is there up to IEND and has its CRC-32, and there is data for every row, with
    its Adler-32. GIF: the blocks lead to the end mark, and the first picture's stream has all of
    its pixels. BMP: there are bytes for every row. Other formats tell nothing, or their decoders
    tell it.
    """
    if image_format == "PNG":
        return len(data) >= _PNG_MAGIC + 25 and _png_is_whole(memoryview(data))
    if image_format == "GIF":
        try:
            return _gif_is_whole(data)
        except (IndexError, struct.error):  # it ends before a block does
            return False
    if image_format == "BMP":
        return _bmp_is_whole(data)
    return True


def _bmp_is_whole(data: bytes) -> bool:
    """Whether the rows of a BMP that is not packed are all there; its last may lack its padding."""
    if len(data) < 54:
        return True  # an older header, which the decoder knows
    start, head, width, height, _, bits, packing = struct.unpack_from("<IIiiHHI", data, 10)
    if head < 40 or packing or width < 1:
        return True
    row = (width * bits + 7) // 8
    rows_before = max(abs(height) - 1, 0) * ((row + 3) // 4 * 4)
    return bool((start or 14 + head) + rows_before + row <= len(data))


def _png_is_whole(data: memoryview) -> bool:
    at = _PNG_MAGIC
    packed: list[memoryview] = []
    head = bytes(data[at + 8 : at + 21])
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = bytes(data[at + 4 : at + 8]), at + 8 + length
        if end + 4 > len(data) or (zlib.crc32(data[at + 4 : end]),) != struct.unpack_from(
            ">I", data, end
        ):
            return False
        if kind == b"IEND":
            return _has_all_rows(packed, head)
        if kind == b"IDAT":
            packed.append(data[at + 8 : end])
        at = end + 4
    return False


def _has_all_rows(packed: list[memoryview], head: bytes) -> bool:
    """Whether a PNG's stream is as long as its header says; unpacked in bounded pieces."""
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    bits = depth * _PNG_SAMPLES.get(colours, 0)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    missing = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            missing += rows * (1 + (columns * bits + 7) // 8)
    stream = zlib.decompressobj()
    try:
        for part in packed:
            rest: bytes | memoryview = part
            # The checksum comes after the last row; what else is there need not be unpacked.
            while rest and missing > -_BLOCK_BYTES and not stream.eof:
                missing -= len(stream.decompress(rest, _BLOCK_BYTES))
                rest = stream.unconsumed_tail
    except zlib.error:
        return False
    return missing <= 0


def _gif_is_whole(data: bytes) -> bool:
    at = _GIF_MAGIC + 7 + _table_bytes(data[_GIF_MAGIC + 4])
    pictures = 0
    while (mark := data[at : at + 1]) != b";":
        if mark == b"!":
            # Pillow skips a block without bytes together with what follows it, but for comments.
            if not data[at + 2] and data[at + 1] != _COMMENT:
                return False
            _, at = _joined(data, at + 2)
        elif mark == b",":
            width, height = struct.unpack_from("<HH", data, at + 5)
            at += 10 + _table_bytes(data[at + 9])
            stream, end = _joined(data, at + 1)
            # Of an animation the first picture is taken; the others need not be unpacked.
            if not pictures and _pixels_in(stream, data[at], width * height) < width * height:
                return False
            pictures, at = pictures + 1, end
        elif mark == b"\0":  # some programs leave bytes between blocks
            at += 1
        else:
            return False
    return pictures > 0


def _table_bytes(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _joined(data: bytes, at: int) -> tuple[bytes, int]:
    """The bytes of sub-blocks up to the empty one, and where that ends."""
    parts = []
    while size := data[at]:
        parts.append(data[at + 1 : at + 1 + size])
        at += 1 + size
    return b"".join(parts), at + 1


def _pixels_in(stream: bytes, least: int, wanted: int) -> int:
    """How many pixels an LZW stream stands for (at most about ``wanted``), by its codes' lengths.

    ``least`` is the bits of a colour. A code that is not in the table yet ends the count.
    """
    if not 1 <= least < _LARGEST_CODE_BITS:
        return 0
    clear = 1 << least
    lengths, width, before = [1] * clear + [0, 0], least + 1, 0
    bits = have = found = 0
    for byte in stream:
        bits |= byte << have
        have += 8
        while have >= width:
            code, bits, have = bits & ((1 << width) - 1), bits >> width, have - width
            if code == clear:
                del lengths[clear + 2 :]
                width, before = least + 1, 0
                continue
            if code == clear + 1 or code > len(lengths) or (code == len(lengths) and not before):
                return found
            length = lengths[code] if code < len(lengths) else before + 1
            found += length
            if found >= wanted:
                return found
            if before and len(lengths) < 1 << _LARGEST_CODE_BITS:
                lengths.append(before + 1)
                width += len(lengths) == 1 << width and width < _LARGEST_CODE_BITS
            before = length
    return found
