"""Hostile, damaged and odd .npz files: what the archive and its headers claim."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from npz_files import images, labels, read, written
from numpy.typing import NDArray

from cnnlab.data.forms import npz_members
from cnnlab.errors import DataError


class Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("key", ["y", "x", "class_names", "labels"])
def test_case_03_a_pickle_is_refused_and_does_not_run(key: str, tmp_path: Path) -> None:
    trap = np.empty(12, dtype=object)
    trap[:] = [Trap(tmp_path / "ran")] * 12
    arrays: dict[str, Any] = {"x": images(), "y": labels(), key: trap}
    if key == "labels":
        del arrays["y"]
    path = written(tmp_path, **arrays)
    with pytest.raises(DataError, match=rf"mine\.npz: {key}: it holds Python objects \(a pickle"):
        read(path)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_that_is_not_needed_is_not_looked_at(tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "ran")], dtype=object)
    found = read(written(tmp_path, x=images(), y=labels(), meta=trap))
    assert found.notes == ("not used: meta",)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("compressed", [False, True])
def test_case_01_a_file_cut_off_anywhere(compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    (np.savez_compressed if compressed else np.savez)(path, x=images(), y=labels())
    whole = path.read_bytes()
    for end in (0, 1, len(whole) // 2, len(whole) - 1, *range(2, len(whole), 97)):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match=r"mine\.npz: .*(no \.npz file, or is cut off|damaged)"):
            read(path)


@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_case_02_one_flipped_bit_is_an_error_or_changes_nothing(at: int, bit: int) -> None:
    stream = io.BytesIO()
    np.savez(stream, x=images(4, 3, 3), y=labels(4))
    data = bytearray(stream.getvalue())
    data[at % len(data)] ^= 1 << bit
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.npz")
        path.write_bytes(data)
        try:
            found = read(path)
        except DataError:
            return
    np.testing.assert_array_equal(found.images[..., 0], images(4, 3, 3))
    np.testing.assert_array_equal(found.labels, labels(4))


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin-1")
    length = len(text).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + length + text + data


def of(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


HEADER = "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }\n"


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (npy(HEADER % "(1099511627776, 8, 8)"), r"declares uint8 \[1099511627776, 8, 8\], 70,"),
        (npy(HEADER % "(12, 8, 8)", bytes(767)), "768 bytes, but 767 follow"),
        (npy(HEADER % "(12, 8, 8)", bytes(769)), "768 bytes, but 769 follow"),
        (npy(HEADER % "(-1, 8, 8)", bytes(64)), "no side below 0"),
        (npy(HEADER % "(-2, -6, 64)", bytes(768)), "no side below 0"),
        (npy(HEADER % "(2.0, 8, 8)", bytes(128)), "header cannot be read"),
        (npy(HEADER % "__import__('os')"), "header cannot be read"),
        (npy(HEADER % ("(" * 3000)), "header cannot be read"),
        (npy("[" * 200_000, version=b"\2\0"), "header cannot be read"),
        (npy(HEADER.replace("|u1", "|x9") % "(1,)"), "header cannot be read"),
        (npy(HEADER % "(12,)", bytes(12), version=b"\x09\0"), "version 9.0 of the format is unkn"),
        (b"", "header cannot be read"),
        (b"\x93NUMPY", "header cannot be read"),
        (b"not an array", "header cannot be read"),
    ],
)
def test_case_05_headers_that_lie_are_refused_before_memory_is_asked_for(
    member: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz_members.Member, "blocks", None)
    monkeypatch.setattr(npz_members.Member, "read", None)
    path = packed(tmp_path / "mine.npz", x=member, y=of(labels()))
    with pytest.raises(DataError, match=rf"mine\.npz: x: .*{said}"):
        read(path)


def test_case_05_a_zip_directory_that_lies_is_refused(tmp_path: Path) -> None:
    header = npy(HEADER % "(12, 8, 8)")
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("y.npy", of(labels()))
        archive.writestr("x.npy", header + bytes(400))
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\1\2")  # of x: its unpacked size stands 24 bytes in
    data[entry + 24 : entry + 28] = (len(header) + 768).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"x: the archive is damaged or cut off"):
        read(path)


def test_records_are_no_images(tmp_path: Path) -> None:
    records = np.zeros(12, dtype=[("a", "u1")])
    with pytest.raises(DataError, match="x: it holds records with fields"):
        read(written(tmp_path, x=records, y=labels()))


def test_case_06_a_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnlab.data.archive._FREE_BYTES", 1 << 20)
    monkeypatch.setattr(npz_members.Member, "blocks", None)
    bomb = np.zeros((40, 512, 512), np.uint8)
    np.savez_compressed(tmp_path / "mine.npz", x=bomb, y=labels(40))
    with pytest.raises(DataError, match="refused as a bomb"):
        read(tmp_path / "mine.npz")


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:/x", "..\\x"])
def test_case_06_members_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "mine.npz", **{name: of(images()), "y": of(labels())})
    with pytest.raises(DataError, match="is not allowed in an archive"):
        read(path)


def test_case_06_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "mine.npz", x=of(images()), y=of(labels()))
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr("x.npy", of(images(seed=1)))
    with pytest.raises(DataError, match="a name that occurs twice"):
        read(path)


def test_other_members_are_left_alone(tmp_path: Path) -> None:
    path = packed(tmp_path / "mine.npz", x=of(images()), y=of(labels()))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "made by hand")
        archive.writestr("folder/", "")
    assert read(path).notes == ("not used: readme.txt",)


def test_what_is_no_zip_is_no_npz(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.save(path.with_suffix(".npy"), images())
    path.with_suffix(".npy").rename(path)
    with pytest.raises(
        DataError, match=r"no \.npz file, or is cut off; expected what numpy\.savez"
    ):
        read(path)


def test_an_array_that_python_2_wrote(tmp_path: Path) -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (12L, 8L, 8L), }"
    grey = images(12, 8, 8)
    path = packed(tmp_path / "mine.npz", x=npy(header, grey.tobytes()), y=of(labels()))
    np.testing.assert_array_equal(read(path).images[..., 0], grey)
