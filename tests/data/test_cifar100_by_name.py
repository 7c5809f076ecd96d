"""CIFAR-100 by its name: found, verified and fetched."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from cifar100_files import COUNTS, WRITERS, allocate, check, options, read_folder
from local_server import serving

from cnnlab.data import SOURCES, places
from cnnlab.data.cifar import Cifar
from cnnlab.data.cifar100 import BINARY, CIFAR100
from cnnlab.data.download import RemoteFile
from cnnlab.data.source import Decoded, Found
from cnnlab.errors import ChecksumError, DataError


def test_the_registered_source_insists_on_the_published_files() -> None:
    source = SOURCES.get("cifar100")
    assert isinstance(source, Cifar)
    assert source.counts == (50_000, 10_000)
    assert [form.archive.size_bytes for form in source.forms] == [168_513_733, 169_001_437]
    records = {file.name: file.size_bytes for file in BINARY.batches}
    assert records == {"train.bin": 50_000 * 3074, "test.bin": 10_000 * 3074}


def published(path: Path) -> RemoteFile:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return RemoteFile(path.name, path.stat().st_size, f"sha256:{digest}")


def write_archive(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return path


@pytest.fixture(params=list(WRITERS))
def small(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Cifar, Path, Path]:
    """A source whose published files are small ones; the folder and the archive lie apart."""
    form, write = WRITERS[request.param]
    folder = write(tmp_path / "written" / form.folder)
    archive = write_archive(folder, tmp_path / "written" / form.archive.name)
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    small_form = replace(
        form,
        archive=published(archive),
        batches=tuple(published(folder / file.name) for file in form.batches),
        names={key: published(folder / file.name) for key, file in form.names.items()},
    )
    return replace(CIFAR100, forms=(small_form,), counts=COUNTS), folder, archive


def read_named(source: Cifar, labels: str = "fine") -> Decoded:
    found = source.find()
    assert found is not None
    return source.read(found, options(labels), allocate)


def check_both(source: Cifar) -> None:
    for labels in ("fine", "coarse"):
        decoded = read_named(source, labels)
        check(decoded, labels)
        assert decoded.notes == ()


def test_archive_and_folder_are_found_by_name_and_verified(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, folder, archive = small
    assert source.find() is None
    keras = tmp_path / "keras" / "datasets" / f"{folder.name}-target" / folder.name
    for whole, place in (
        (archive, tmp_path / "own" / archive.name),
        (folder, tmp_path / "own" / folder.name),
        (tmp_path / "own" / folder.name, keras),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        whole.rename(place)
        check_both(source)
        if place.is_file():
            place.unlink()


def test_case_01_and_02_a_cut_file_and_a_flipped_bit_are_errors(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, folder, archive = small
    for whole in (folder, archive):
        place = whole.rename(tmp_path / "own" / whole.name)
        for path in [place] if place.is_file() else sorted(place.iterdir()):
            contents = path.read_bytes()
            for length in (0, 1, len(contents) // 2, len(contents) - 1):
                path.write_bytes(contents[:length])
                with pytest.raises(DataError, match=f"{path.name}|{place.name}"):
                    check_both(source)
            for position in (0, len(contents) // 2, len(contents) - 1):
                flipped = bytearray(contents)
                flipped[position] ^= 4
                path.write_bytes(flipped)
                with pytest.raises(ChecksumError, match=path.name):
                    check_both(source)
            path.write_bytes(contents)
        check_both(source)
        place.rename(tmp_path / place.name)


@pytest.mark.parametrize("small", ["binary"], indirect=True)
def test_case_01_a_file_cut_between_records_is_an_error_by_path_too(
    small: tuple[Cifar, Path, Path],
) -> None:
    source, folder, _ = small
    assert read_folder(folder, "fine", source).notes == ()
    (folder / "test.bin").write_bytes((folder / "test.bin").read_bytes()[: 10 * 3074])
    with pytest.raises(ChecksumError, match=r"test\.bin: the file has 30,740 bytes; expected"):
        read_folder(folder, "fine", source)


def test_what_is_fetched_is_found_and_read(
    small: tuple[Cifar, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _, archive = small
    with serving(archive.parent, monkeypatch) as mirror:
        found = replace(source, mirrors=(mirror,)).fetch(lambda line: None, time_limit_seconds=30)
    assert found == source.find()
    assert isinstance(found, Found)
    assert found.path == places.downloads() / archive.name
    check(read_named(source, "coarse"), "coarse")
