import hashlib
import io
from pathlib import Path

import numpy as np
import pytest

from cnnlab.data.reading import check_digest, check_labels, digest_of, read_bounded, read_errors
from cnnlab.errors import ChecksumError, DataError, StorageError


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_bounded(path, limit_bytes=5) == b"12345"
    with pytest.raises(DataError, match="5 bytes; expected at most 4"):
        read_bounded(path, limit_bytes=4)


def test_a_missing_file_and_a_folder_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_bounded(tmp_path / "absent", limit_bytes=5)
    with pytest.raises(DataError, match="not a regular file"):
        read_bounded(tmp_path, limit_bytes=5)


def test_what_the_system_says_becomes_one_line() -> None:
    with (
        pytest.raises(DataError, match="file: cannot be read: permission denied; check its perm"),
        read_errors(Path("file")),
    ):
        raise PermissionError(13, "Permission denied")
    with (
        pytest.raises(StorageError, match="file: cannot read: input/output error"),
        read_errors(Path("file")),
    ):
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_digests_are_compared(algorithm: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc" * 1_000_000)
    digest = hashlib.new(algorithm, path.read_bytes()).hexdigest()
    assert digest_of(io.BytesIO(path.read_bytes()), algorithm) == digest
    check_digest(path, f"{algorithm}:{digest}", todo="get it again")
    with pytest.raises(ChecksumError, match=f"{algorithm.upper()} {digest}.*get it again"):
        check_digest(path, f"{algorithm}:{digest[::-1]}", todo="get it again")


@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_the_first_label_that_is_no_class_is_named(kind: type) -> None:
    labels = np.array([0, 9, 3, 10, 200], dtype=kind)
    check_labels(labels[:3], 10, "x")
    with pytest.raises(DataError, match="x: label 10 at index 3; expected 0 to 9"):
        check_labels(labels, 10, "x")
