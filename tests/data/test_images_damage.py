"""Damaged and hostile image files, and how little they cost."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from class_folders import encoded, pixels
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from cnnlab.data import images
from cnnlab.data.images import decode_image, probe_image
from cnnlab.errors import DataError

CUT = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"comment": b"with a \xff\xda in it"}),
    ("PNG", {}),
    ("BMP", {}),
    ("GIF", {}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("PPM", {}),
]


@pytest.mark.parametrize(("kind", "options"), CUT)
def test_case_9_an_image_cut_anywhere_is_refused(kind: str, options: dict[str, object]) -> None:
    picture = Image.fromarray(pixels(3, 10, 12))
    data = encoded(picture.convert("P") if kind == "GIF" else picture, kind, **options)
    decode_image(data, "whole", size=12, channels=3)
    for length in range(len(data)):
        with pytest.raises(DataError) as caught:
            decode_image(data[:length], "cut.file", size=12, channels=3)
        assert str(caught.value).startswith("cut.file: ")
        assert "\n" not in str(caught.value)


def test_a_jpeg_that_embeds_a_whole_thumbnail_is_refused_when_cut() -> None:
    thumbnail = encoded(pixels(1, 8, 8), "JPEG")
    data = encoded(pixels(2, 40, 40), "JPEG", exif=b"Exif\0\0" + thumbnail)
    decode_image(data, "x", size=40, channels=3)
    with pytest.raises(DataError, match="cut off"):
        decode_image(data[:-1], "x", size=40, channels=3)


def test_bytes_after_a_jpegs_end_are_forgiven() -> None:
    data = encoded(pixels(2, 16, 16), "JPEG")
    np.testing.assert_array_equal(
        decode_image(data + b"trailer of a phone", "x", size=16, channels=3),
        decode_image(data, "x", size=16, channels=3),
    )


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"hello, I am a text\n" * 9, b"<svg></svg>", b"%!PS"]
)
def test_case_9_what_is_no_image_is_named(content: bytes) -> None:
    for read in (
        lambda: probe_image(content, "a.png"),
        lambda: decode_image(content, "a.png", size=8, channels=3),
    ):
        with pytest.raises(DataError, match=r"^a\.png: the file is no image.*expected JPEG, PNG"):
            read()


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [
            b"",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"BM",
            b"II*\0",
            b"MM\0*",
            b"P6 ",
            b"\xff\xd8\xff",
            b"RIFF\x20\0\0\0WEBPVP8 ",
        ]
    ),
)
def test_any_bytes_are_an_image_or_a_data_error(tail: bytes, head: bytes) -> None:
    with suppress(DataError):
        assert decode_image(head + tail, "x", size=4, channels=3).shape == (4, 4, 3)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_image_is_an_image_or_a_data_error(at: int, value: int) -> None:
    for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP"):
        data = bytearray(
            encoded(Image.fromarray(pixels(3)).convert("P" if kind == "GIF" else "RGB"), kind)
        )
        data[at % len(data)] = value
        with suppress(DataError):
            assert decode_image(bytes(data), "x", size=8, channels=3).shape == (8, 8, 3)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header promises a size and whose data is a stream of zeros."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 20), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [9_000, 12_000, 50_000])
def test_a_bomb_is_refused_before_its_pixels_are_decoded(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = png_claiming(side, side)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    refusal = r"^bomb\.png: the image has more than 80,000,000 pixels$"
    with pytest.raises(DataError, match=refusal):
        decode_image(data, "bomb.png", size=8, channels=3)
    with pytest.raises(DataError, match=refusal):
        probe_image(data, "bomb.png")


def test_a_file_over_the_byte_limit_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 100)

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert 0 <= size <= 101
            return bytes(size)

    with pytest.raises(DataError, match="more than 100 bytes"):
        decode_image(Endless(), "x", size=8, channels=3)  # type: ignore[arg-type]  # enough of one
