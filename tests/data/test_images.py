"""Pixels of every colour mode, format and orientation; oracles are arrays written by hand."""

from __future__ import annotations

import io
import sys
import threading
import warnings

import numpy as np
import pytest
from class_folders import encoded, pixels
from PIL import Image

from cnnlab.data.images import decode_image, probe_image

LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("PPM", {}),
]


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_an_image_that_has_the_size_keeps_its_pixels(kind: str, options: dict[str, object]) -> None:
    expected = pixels(1, 9, 9)
    decoded = decode_image(encoded(expected, kind, **options), "x", size=9, channels=3)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, expected)


def test_a_jpeg_that_has_the_size_is_what_the_decoder_gives() -> None:
    data = encoded(pixels(1, 32, 32), "JPEG", quality=75)
    with Image.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(
            decode_image(data, "x", size=32, channels=3), np.asarray(picture)
        )


def test_the_first_frame_of_an_animation_is_taken() -> None:
    first = Image.fromarray(pixels(1, 6, 6, 1))
    second = Image.fromarray(pixels(2, 6, 6, 1))
    data = encoded(first, "GIF", save_all=True, append_images=[second])
    decoded = decode_image(data, "x", size=6, channels=1)
    np.testing.assert_array_equal(decoded[..., 0], np.asarray(first))


def test_a_stream_does_as_well_as_bytes() -> None:
    data = encoded(pixels(1))
    np.testing.assert_array_equal(
        decode_image(io.BytesIO(data), "x", size=8, channels=3),
        decode_image(data, "x", size=8, channels=3),
    )


# A corner of its own colour each: top left, top right, bottom left, bottom right.
CORNERS = np.array([[[250, 0, 0], [0, 250, 0]], [[0, 0, 250], [250, 250, 0]]], dtype=np.uint8)


def stored_as(orientation: int) -> np.ndarray:
    """The array a camera stores so that EXIF's definition of the orientation restores CORNERS.

    EXIF names where row 0 and column 0 of what is stored lie in the upright picture.
    """
    row0, column0 = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    stored = np.zeros_like(CORNERS)
    other = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
    index = {"top": 0, "bottom": 1, "left": 0, "right": 1}
    for row in (0, 1):
        for column in (0, 1):
            sides = (row0 if row == 0 else other[row0], column0 if column == 0 else other[column0])
            vertical = next(side for side in sides if side in ("top", "bottom"))
            horizontal = next(side for side in sides if side in ("left", "right"))
            stored[row, column] = CORNERS[index[vertical], index[horizontal]]
    return stored


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_case_10_exif_orientation(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored_as(orientation), kind, exif=exif)
    np.testing.assert_array_equal(decode_image(data, "x", size=2, channels=3), CORNERS)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_case_10_exif_orientation_of_a_jpeg_photo(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = stored_as(orientation).repeat(48, axis=0).repeat(64, axis=1)
    data = encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0)
    decoded = decode_image(data, "x", size=16, channels=3)
    for row in (0, 1):
        for column in (0, 1):
            corner = decoded[row * 8 + 2 : row * 8 + 6, column * 8 + 2 : column * 8 + 6]
            np.testing.assert_allclose(corner.mean((0, 1)), CORNERS[row, column], atol=6)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_changes_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(CORNERS, "PNG", exif=exif)
    np.testing.assert_array_equal(decode_image(data, "x", size=2, channels=3), CORNERS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "block", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*", b"Exif\0\0no header at all"]
)
def test_broken_exif_changes_nothing(kind: str, block: bytes) -> None:
    data = encoded(pixels(1, 16, 16), kind, exif=block)
    plain = encoded(pixels(1, 16, 16), kind)
    np.testing.assert_array_equal(
        decode_image(data, "x", size=16, channels=3),
        decode_image(plain, "x", size=16, channels=3),
    )


def test_case_10_cmyk() -> None:
    ink = np.zeros((2, 2, 4), dtype=np.uint8)
    ink[0, 0] = 0, 255, 255, 0  # magenta and yellow are red
    ink[0, 1] = 255, 0, 0, 0
    ink[1, 0] = 0, 0, 0, 255
    expected = np.array([[[255, 0, 0], [0, 255, 255]], [[0, 0, 0], [255, 255, 255]]])
    picture = Image.fromarray(ink, "CMYK")
    decoded = decode_image(encoded(picture, "TIFF"), "x", size=2, channels=3)
    np.testing.assert_array_equal(decoded, expected)
    jpeg = encoded(picture.resize((32, 32), Image.Resampling.NEAREST), "JPEG", quality=95)
    far_apart = decode_image(jpeg, "x", size=32, channels=3)[4::16, 4::16]
    np.testing.assert_allclose(far_apart, expected, atol=12)


def test_case_10_palette_with_alpha() -> None:
    picture = Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8), "P")
    picture.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200, 7, 8, 9])
    data = encoded(picture, transparency=bytes([255, 0, 51, 255]))
    white_fifth = [204, 204, 244]  # 0.2 * colour + 0.8 * white
    expected = [[[200, 0, 0], [255, 255, 255]], [white_fifth, [7, 8, 9]]]
    np.testing.assert_array_equal(decode_image(data, "x", size=2, channels=3), expected)
    alpha = decode_image(data, "x", size=2, channels=4)[..., 3]
    np.testing.assert_array_equal(alpha, [[255, 0], [51, 255]])


def test_case_10_palette_without_alpha() -> None:
    picture = Image.fromarray(np.array([[0, 1]], dtype=np.uint8).repeat(2, 0), "P")
    picture.putpalette([1, 2, 3, 40, 50, 60])
    decoded = decode_image(encoded(picture), "x", size=2, channels=3)
    np.testing.assert_array_equal(decoded[0], [[1, 2, 3], [40, 50, 60]])


def test_alpha_is_composited_over_white_unless_it_is_asked_for() -> None:
    colour = np.full((2, 2, 4), [100, 50, 0, 128], dtype=np.uint8)
    colour[0, 0, 3], colour[0, 1, 3] = 0, 255
    share = 128 / 255
    mixed = np.round(np.array([100, 50, 0]) * share + 255 * (1 - share))
    decoded = decode_image(encoded(colour), "x", size=2, channels=3)
    np.testing.assert_array_equal(decoded[0], [[255, 255, 255], [100, 50, 0]])
    np.testing.assert_allclose(decoded[1, 1], mixed, atol=1)
    np.testing.assert_array_equal(decode_image(encoded(colour), "x", size=2, channels=4), colour)


def test_grey_with_alpha_stays_grey() -> None:
    values = np.dstack([[[10, 10], [200, 200]], [[255, 0], [255, 0]]]).astype(np.uint8)
    data = encoded(Image.fromarray(values, "LA"))
    np.testing.assert_array_equal(
        decode_image(data, "x", size=2, channels=1)[..., 0], [[10, 255], [200, 255]]
    )
    assert probe_image(data, "x").is_grey


def test_colour_becomes_grey_by_luma() -> None:
    decoded = decode_image(encoded(CORNERS), "x", size=2, channels=1)[..., 0]
    np.testing.assert_allclose(decoded, CORNERS @ [0.299, 0.587, 0.114], atol=0.51)


def test_the_whole_picture_is_squashed_and_averaged() -> None:
    wide = np.zeros((8, 32, 3), dtype=np.uint8)
    wide[:, ::2] = 200  # columns too fine for 8 pixels: without antialiasing, all or nothing
    decoded = decode_image(encoded(wide), "x", size=8, channels=3)
    np.testing.assert_allclose(decoded[:, 1:-1], 100, atol=2)
    halves = np.zeros((8, 32, 3), dtype=np.uint8)
    halves[:, 16:] = 255
    decoded = decode_image(encoded(halves), "x", size=8, channels=1)[..., 0]
    assert decoded[:, 0].max() == 0  # nothing is cropped
    assert decoded[:, -1].min() == 255


def test_transparent_pixels_do_not_bleed_into_alpha_images() -> None:
    picture = np.zeros((8, 8, 4), dtype=np.uint8)
    picture[:, :4] = 200, 10, 10, 255  # the transparent half hides black
    decoded = decode_image(encoded(picture), "x", size=4, channels=4)
    seen = decoded[..., 3] > 0
    np.testing.assert_allclose(decoded[seen][:, 0], 200, atol=2)


def test_a_large_photo_is_decoded_to_its_mean_colours() -> None:
    photo = np.zeros((600, 800, 3), dtype=np.uint8)
    photo[:300] = 200, 30, 60
    photo[300:] = 10, 120, 240
    data = encoded(photo, "JPEG", quality=95, subsampling=0)
    decoded = decode_image(data, "x", size=8, channels=3)
    np.testing.assert_allclose(decoded[1], np.full((8, 3), [200, 30, 60]), atol=3)
    np.testing.assert_allclose(decoded[-2], np.full((8, 3), [10, 120, 240]), atol=3)


def test_warnings_of_the_reader_stay_inside_while_threads_decode() -> None:
    data = encoded(pixels(1, 16, 16), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x09\x00junk")
    before = list(warnings.filters)
    failures: list[BaseException] = []

    def decode() -> None:
        try:
            for _ in range(30):
                decode_image(data, "x", size=16, channels=3)
        except BaseException as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=decode) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
    assert warnings.filters == before


def test_a_header_tells_size_and_mode() -> None:
    header = probe_image(encoded(pixels(1, 5, 7)), "x")
    assert (header.width, header.height, header.mode, header.is_grey) == (7, 5, "RGB", False)
