"""The process that decodes: its answers, and the kernel's limits around it."""

from __future__ import annotations

import io
import json
import signal
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from running import numbered_png, png

from cnnlab.data.images import decode_image
from cnnlab.serving.decoder import Decoder
from cnnlab.serving.frames import (
    DECODED,
    REFUSED,
    pack_blobs,
    read_frame,
    split_blobs,
    write_frame,
)

_SHAPE = (4, 4, 3)


def _frame(files: Sequence[bytes]) -> memoryview:
    return memoryview(b"".join(pack_blobs(files)))


def _decoded(files: Sequence[bytes], max_pixels: int = 1_000_000) -> list[bytes]:
    decoder = Decoder(_SHAPE, max_pixels, 10.0)
    return [bytes(each) for each in split_blobs(memoryview(decoder.answer(_frame(files))))]


def test_pixels_are_those_of_training_in_the_files_order() -> None:
    generator = np.random.default_rng(0)
    large = png(generator.integers(0, 256, (50, 30, 3), dtype=np.uint8))
    answers = _decoded([numbered_png(5), b"none", large])
    for file, answer in ((numbered_png(5), answers[0]), (large, answers[2])):
        expected = decode_image(file, None, size=(4, 4), channels=3)
        assert answer == DECODED + expected.tobytes()
    assert answers[1].startswith(REFUSED + b"the file is no image")


def test_an_image_of_too_many_pixels_is_refused() -> None:
    image = png(np.zeros((20, 10, 3), dtype=np.uint8))
    assert _decoded([image], max_pixels=200)[0][:1] == DECODED
    assert _decoded([image], max_pixels=199) == [REFUSED + b"the image has more than 199 pixels"]


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_blobs_come_out_as_they_went_in(blobs: list[bytes]) -> None:
    assert [bytes(each) for each in split_blobs(_frame(blobs))] == blobs


@given(st.lists(st.binary(max_size=20), max_size=5), st.data())
def test_a_frame_that_is_cut_or_stretched_is_refused(
    blobs: list[bytes], data: st.DataObject
) -> None:
    frame = bytes(_frame(blobs))
    cut = data.draw(st.integers(0, len(frame) - 1))
    for wrong in (frame[:cut], frame + b"\0"):
        with pytest.raises(ValueError, match="frame"):
            split_blobs(memoryview(wrong))


def _run(job: dict[str, object], file: bytes) -> tuple[int, list[bytes]]:
    """A decoder of its own on one file: how it ended, and its answer."""
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    command = [sys.executable, "-m", "cnnlab.serving.decoder", str(theirs.fileno())]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        told = {"input_shape": _SHAPE, "max_pixels": 25_000_000, "seconds": 30.0,
                "memory_bytes": 1 << 30, **job}  # fmt: skip
        write_frame(ours, 0, json.dumps(told).encode())
        assert read_frame(ours) is not None  # the greeting
        write_frame(ours, 1, bytes(_frame([file])))
        frame = read_frame(ours)
        answers = [] if frame is None else [bytes(each) for each in split_blobs(frame[1])]
        ours.close()
        return process.wait(30), answers


def _large() -> bytes:
    """A PNG of 24 million pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    sides = struct.pack(">IIBBBBB", 4000, 6000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(4001 * 6000), 1)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", sides), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    )


def test_an_image_that_takes_too_long_ends_the_process() -> None:
    code, answers = _run({"seconds": 0.01}, _large())
    assert (code, answers) == (-signal.SIGALRM, [])


def test_an_image_that_takes_too_much_memory_is_refused() -> None:
    code, (answer,) = _run({"memory_bytes": 16 << 20}, _large())
    assert (code, answer[:1]) == (0, REFUSED)
    code, (answer,) = _run({}, _large())
    assert (code, answer[:1]) == (0, DECODED)


def test_every_format_is_decoded_within_the_limits() -> None:
    picture = Image.fromarray(np.full((16, 16, 3), 200, dtype=np.uint8))
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"):
        stream = io.BytesIO()
        picture.save(stream, kind)
        (answer,) = _decoded([stream.getvalue()])
        assert answer[:1] == DECODED, kind
