import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from cnnlab.data.idx import parse_idx, read_contents, read_idx
from cnnlab.errors import ChecksumError, CnnlabError, DataError


def idx(array: np.ndarray) -> bytes:
    """Written from the format's description: magic, dimensions, values."""
    sizes = b"".join(struct.pack(">i", size) for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


IMAGES = np.random.default_rng(3).integers(0, 256, (11, 5, 4), dtype=np.uint8)


@given(
    st_numpy.arrays(np.uint8, st_numpy.array_shapes(max_dims=4, max_side=7)),
    st.booleans(),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, compressed: bool
) -> None:
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(gzip.compress(idx(array)) if compressed else idx(array))
    read = parse_idx(read_idx(path), path)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.uint8
    assert not read.flags.writeable


@pytest.mark.parametrize("compressed", [False, True])
def test_case_07_pixels_equal_an_independent_reader(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx(IMAGES)) if compressed else idx(IMAGES))
    independent = np.frombuffer(idx(IMAGES), dtype=np.uint8)[16:].reshape(11, 5, 4)
    np.testing.assert_array_equal(parse_idx(read_idx(path), path), independent)


@pytest.mark.parametrize("compressed", [False, True])
def test_case_01_every_cut_is_an_error(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "file"
    whole = gzip.compress(idx(IMAGES)) if compressed else idx(IMAGES)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=str(path)):
            parse_idx(read_idx(path), path)


@pytest.mark.parametrize("compressed", [False, True])
def test_one_byte_too_many_is_an_error(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "file"
    longer = idx(IMAGES) + b"\0"
    path.write_bytes(gzip.compress(longer) if compressed else longer)
    with pytest.raises(DataError, match=r"more than 236 bytes"):
        read_idx(path)
    with pytest.raises(DataError, match=r"declares \[11, 5, 4\] but 221 bytes follow"):
        parse_idx(longer, path)


@pytest.mark.parametrize(
    ("start", "complaint"),
    [
        (b"\x89PNG\r\n", "begins with"),
        (b"", "begins with"),
        (b"\0\0\x0d\x01\0\0\0\x01abcd", "type 0x0d in 1 dimensions"),
        (b"\0\0\x08\x00", "0 dimensions"),
        (b"\0\0\x08\x05" + b"\0\0\0\1" * 5 + b"x", "5 dimensions"),
        (b"\0\0\x08\x03\0\0", "within its IDX header"),
    ],
)
def test_other_headers_are_errors(start: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(start)
    with pytest.raises(DataError, match=complaint):
        read_idx(path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "sizes", [(2**31, 28, 28), (2**32 - 1,) * 4, (2**31 - 1, 1, 1), (60_000, 28, 2**20)]
)
def test_case_05_a_header_that_declares_too_much_allocates_nothing(
    sizes: tuple[int, ...], compressed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    header = bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)
    contents = header + bytes(10_000)
    path.write_bytes(gzip.compress(contents) if compressed else contents)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=f"declares.*{sizes[0]}"):
            read_idx(path)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_case_06_a_gzip_bomb_stops_at_what_the_header_declares(tmp_path: Path) -> None:
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(bytes([0, 0, 8, 1]) + struct.pack(">I", 1000))
        for _ in range(200):
            stream.write(bytes(1 << 20))
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="more than 1,008 bytes"):
            read_idx(path)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 5_000_000


def test_memory_grows_with_what_is_there_and_not_with_what_is_declared(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 1 << 29) + bytes(1000)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="but 1,000 bytes follow"):
            parse_idx(read_idx(path), path)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 5_000_000


def test_damaged_compression_is_a_checksum_error(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    whole = bytearray(gzip.compress(idx(IMAGES), mtime=0))
    for position in (len(whole) // 2, len(whole) - 6):  # the stream; its checksum
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(ChecksumError, match="damaged"):
            read_contents(path, limit_bytes=10_000)


def test_missing_files_and_folders_are_said_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(CnnlabError) as caught:
            read_idx(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
