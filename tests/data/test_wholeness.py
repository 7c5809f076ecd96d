"""Damage that Pillow forgives, found by fuzzing, is an error."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cnnlab.data.images import decode_image
from cnnlab.data.wholeness import is_whole
from cnnlab.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)


def saved(kind, image=None, **options):
    stream = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(stream, kind, **options)
    return stream.getvalue()


def decoded(data):
    return decode_image(data, "x", size=6, channels=3)


def test_no_flipped_bit_of_a_png_changes_a_pixel():
    data = saved("PNG")
    refused = 0
    for at in range(len(data)):
        for bit in (0, 3, 7):
            broken = data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]
            try:
                found = decoded(broken)
            except DataError:
                refused += 1
            else:
                assert np.array_equal(found, PIXELS), at
    assert refused == 3 * len(data)


def test_a_png_whose_data_has_a_wrong_crc_is_refused():
    data = saved("PNG")
    at = data.index(b"IDAT")
    (length,) = np.frombuffer(data[at - 4 : at], ">u4")
    crc = at + 4 + int(length)
    with pytest.raises(DataError, match="cut off or damaged"):
        decoded(data[:crc] + b"\0\0\0\0" + data[crc + 4 :])


def test_a_png_whose_pixels_have_a_wrong_checksum_is_refused():
    data = saved("PNG")
    at = data.index(b"IDAT")
    length = int(np.frombuffer(data[at - 4 : at], ">u4")[0])
    chunk = data[at : at + length] + bytes(4)  # the end of the stream is its Adler-32
    crc = struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(DataError, match="cut off or damaged"):
        decoded(data[:at] + chunk + crc + data[at + 4 + length + 4 :])


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
@pytest.mark.parametrize("side", [1, 6, 9, 64])
def test_a_bmp_needs_the_bytes_of_every_row(mode, side):
    noise = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    data = saved("BMP", Image.fromarray(noise).convert(mode))
    bits = {"RGB": 24, "L": 8, "P": 8, "1": 1}[mode]
    row = (side * bits + 7) // 8
    padding = -row % 4
    assert is_whole(data, "BMP")
    assert is_whole(data[: len(data) - padding], "BMP")
    assert not is_whole(data[: len(data) - padding - 1], "BMP")


def test_what_stands_behind_the_end_of_a_png_is_nobodys():
    assert np.array_equal(decoded(saved("PNG") + b"more"), PIXELS)


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("side", [1, 2, 6, 60, 300])
def test_gifs_of_any_size_are_whole(side, interlace):
    noise = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    image = Image.fromarray(noise).quantize(256)
    assert is_whole(saved("GIF", image, interlace=interlace), "GIF")
    flat = Image.new("P", (side, side))
    assert is_whole(saved("GIF", flat, save_all=True, append_images=[image]), "GIF")


def test_a_gif_without_some_of_its_pixels_is_refused():
    whole = saved("GIF", Image.fromarray(PIXELS).quantize(16), interlace=0)
    picture = whole.index(b",", 13)
    assert whole[picture + 9] & 0x80 == 0
    size = whole[picture + 11]
    for kept in range(size - 4):  # the last bytes hold the end code, and bits that fill up
        stream = whole[picture + 12 : picture + 12 + kept]
        cut = whole[: picture + 11] + bytes([kept]) + stream + b"\0;"
        try:
            # What ends the stream may be lost without loss: it is no pixel.
            assert np.array_equal(decoded(cut), decoded(whole))
            assert kept == size - 1
        except DataError:
            continue


def test_a_gif_whose_blocks_lead_nowhere_is_refused():
    whole = saved("GIF", Image.fromarray(PIXELS).quantize(16), interlace=0)
    at = whole.index(b",", 13) + 11
    for lie in (whole[at] - 1, whole[at] + 1, 255):
        assert not is_whole(whole[:at] + bytes([lie]) + whole[at + 1 :], "GIF")


def test_an_animated_png_is_whole():
    second = Image.fromarray(PIXELS[::-1].copy())
    data = saved("PNG", save_all=True, append_images=[second])
    assert np.array_equal(decoded(data), PIXELS)
    assert b"acTL" in data


def interlaced(pixels):
    """A grey PNG in Adam7's seven passes, by hand."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
    passes += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b"".join(
        b"\0" + row.tobytes()
        for left, top, across, down in passes
        for row in pixels[top::down, left::across]
        if row.size
    )
    return png(pixels.shape[::-1], raw, kind=0, interlace=1)


def png(size, raw, *, kind, interlace=0):
    head = struct.pack(">IIBBBBB", *size, 8, kind, 0, 0, interlace)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (8, 8), (9, 5), (33, 17)])
def test_interlaced_pngs_are_whole_with_all_of_their_rows_only(shape):
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    data = interlaced(pixels)
    assert is_whole(data, "PNG")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)


def test_a_png_with_a_row_too_few_is_refused():
    """Pillow leaves the rows that are not there black."""
    rows = [b"\0" + row.tobytes() for row in PIXELS]
    assert np.array_equal(decoded(png((6, 6), b"".join(rows), kind=2)), PIXELS)
    short = png((6, 6), b"".join(rows[:-1]), kind=2)
    with pytest.raises(DataError, match="cut off or damaged"):
        decoded(short)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pngs_of_every_mode_are_whole(mode):
    for side in (1, 7, 8, 33):
        assert is_whole(saved("PNG", Image.new(mode, (side, side + 1))), "PNG")


def test_a_gif_with_an_empty_block_is_refused():
    """Pillow skips the picture that stands behind it and takes another."""
    data = saved("GIF", Image.fromarray(PIXELS).quantize(16), interlace=0)
    at = data.index(b",", 13)
    assert not is_whole(data[:at] + b"!\xff\0" + data[at:], "GIF")
    assert is_whole(data[:at] + b"!\xfe\0" + data[at:], "GIF")
