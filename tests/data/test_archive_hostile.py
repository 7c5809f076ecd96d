"""Hostile archives: refused in one line that names the member, nothing unpacked."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from archive_files import PICTURE, refused
from class_folders import pack, tar_of
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.data import archive as archive_module
from cnnlab.data.archive import safe_path
from cnnlab.errors import DataError

HOSTILE_NAMES = [
    "../x.png",
    "cat/../../x.png",
    "cat/..",
    "/etc/x.png",
    "//x/y.png",
    "C:/x.png",
    "./C:/x.png",
    "c:x.png",
    "..\\x.png",
    "cat\\x.png",
    "\\\\server\\x.png",
    "a/" * 40 + "x.png",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_case_06_paths_that_lead_out_are_refused(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"evil.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr("cat/1.png", PICTURE)
            zipped.writestr(name, PICTURE)
    else:
        members = [tarfile.TarInfo("cat/1.png"), tarfile.TarInfo(name)]
        tar_of(path, [(member, PICTURE) for member in members])
    refused(path, "not allowed in an archive", name)


@pytest.mark.parametrize("name", ["cat/1.png\0exe", "\0at/1.png"])
def test_case_06_a_path_with_nul_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "nul.zip"
    written = name.replace("\0", "#")
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(written, PICTURE)
    path.write_bytes(path.read_bytes().replace(written.encode(), name.encode()))
    refused(path, "NUL")


def test_case_06_a_file_that_has_no_name_is_refused(tmp_path: Path) -> None:
    refused(tar_of(tmp_path / "x.tar", [(tarfile.TarInfo("./."), PICTURE)]), "without a name")
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("./.", PICTURE)
    refused(path, "without a name")


LINKS = {
    "symbolic link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
    "pipe": tarfile.FIFOTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
}


@pytest.mark.parametrize("what", LINKS)
def test_case_06_special_members_of_a_tar_are_refused(what: str, tmp_path: Path) -> None:
    info = tarfile.TarInfo("cat/odd.png")
    info.type = LINKS[what]
    info.linkname = "/etc/passwd"
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(info)
    refused(path, "cat/odd.png", what)


@pytest.mark.parametrize(
    ("what", "mode"), [("symbolic link", stat.S_IFLNK), ("device", stat.S_IFCHR)]
)
def test_case_06_special_members_of_a_zip_are_refused(what: str, mode: int, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("cat/odd.png")
    info.external_attr = (mode | 0o644) << 16
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(info, "/etc/passwd")
    refused(path, "cat/odd.png", what)


@pytest.mark.parametrize("second", ["cat/1.png", "./cat/1.png", "cat//1.png"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_case_06_duplicate_names_are_refused(second: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"twice.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr("cat/1.png", PICTURE)
            if second == "cat/1.png":
                with pytest.warns(UserWarning, match="Duplicate name"):
                    zipped.writestr(second, PICTURE)
            else:
                zipped.writestr(second, PICTURE)
    else:
        tar_of(path, [(tarfile.TarInfo(name), PICTURE) for name in ("cat/1.png", second)])
    refused(path, second, "occurs twice")


def test_an_encrypted_zip_is_refused(folder: Path) -> None:
    path = pack(folder, "zip")
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    path.write_bytes(data)
    refused(path, "an encrypted file")


def zeros(count: int) -> io.BufferedReader:
    """A stream of zeros that takes no memory."""

    class Zeros(io.RawIOBase):
        left = count

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as documented
            size = min(len(buffer), self.left)
            buffer[:size] = bytes(size)
            self.left -= size
            return size

    return io.BufferedReader(Zeros())


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "_FREE_BYTES", 1 << 20)


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("kind", ["tar.gz", "tar.xz", "tar.bz2"])
def test_case_06_compressed_bombs_are_refused_early(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"bomb.{kind}"
    with tarfile.open(path, f"w:{kind[4:]}") as tar:  # type: ignore[call-overload]  # a variable
        info = tarfile.TarInfo("cat/notes.txt")
        info.size = 24 << 20
        tar.addfile(info, zeros(info.size))
    refused(path, "refused as a bomb")


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("name", ["cat/notes.txt", "cat/1.png"])
def test_case_06_zip_bombs_are_refused_unread(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(name, bytes(24 << 20))
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    refused(path, name, "refused as a bomb")


@pytest.mark.usefixtures("small_limits")
def test_case_06_a_zip_whose_members_overlap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "overlap.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("cat/0.png", bytes(1 << 19))
        original = zipped.filelist[0]
        for number in range(1, 1000):
            copy = zipfile.ZipInfo(f"cat/{number}.png")
            for name in ("compress_type", "compress_size", "file_size", "CRC", "header_offset"):
                setattr(copy, name, getattr(original, name))
            zipped.filelist.append(copy)
            zipped.NameToInfo[copy.filename] = copy
        zipped._didModify = True  # type: ignore[attr-defined]  # to have the list written
    refused(path, "refused as a bomb")


def test_case_06_too_many_members_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "_MAX_MEMBERS", 4)
    for kind in ("zip", "tar"):
        refused(pack(folder, kind), "too many members", "at most 4")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_case_06_a_member_over_the_byte_limit_is_named(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "cat" / "huge.png").write_bytes(PICTURE + bytes(9_000))
    path = pack(folder, kind)
    monkeypatch.setattr(archive_module, "MAX_FILE_BYTES", 8_000)
    refused(path, "cat/huge.png", "more than 8,000 bytes")


def test_a_tar_header_that_claims_gigabytes_of_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.tar"
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
    refused(path, "claims 8,589,934,592 bytes")


def test_headers_nested_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nested.tar"
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1
    path.write_bytes((header.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")) * 3_000)
    refused(path)


PARTS = st.sampled_from(["", ".", "..", "a", "C:", "x y", "ü", "...", "..a", "\\", "a\\b", "~"])


@given(st.lists(PARTS, max_size=6).map("/".join))
def test_a_safe_path_stays_inside_and_is_stable(name: str) -> None:
    try:
        path = safe_path(name, Path("a.zip"))
    except DataError:
        assert name.startswith("/") or ".." in name.split("/") or "\\" in name or "C:" in name
        return
    assert ".." not in PurePosixPath(path).parts
    assert not PurePosixPath(path).is_absolute()
    assert "\\" not in path
    assert safe_path(path, Path("a.zip")) == path
    root = Path("/some/root")
    assert (root / path).resolve().is_relative_to(root)


@given(st.text(max_size=30))
def test_any_name_is_safe_or_refused(name: str) -> None:
    try:
        path = safe_path(name, Path("a.zip"))
    except DataError as error:
        assert "not allowed in an archive" in error.what  # noqa: PT017 - either outcome is right
        return
    assert not path.startswith("/")
    assert ".." not in path.split("/")
