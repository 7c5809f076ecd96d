"""CIFAR-10 by its name: found, verified and fetched."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cifar10_files import (
    COUNTS,
    allocate,
    check,
    publish,
    read_folder,
    read_named,
    write_archive,
    write_folder,
)
from local_server import serving

from cnnlab.data import places
from cnnlab.data.cifar import Cifar
from cnnlab.data.cifar10 import BINARY, CIFAR10, PYTHON
from cnnlab.data.source import SOURCES, Found, ReadOptions
from cnnlab.errors import ChecksumError, DataError, DownloadError


@pytest.fixture(params=["binary", "python"])
def small(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Cifar, Path, Path]:
    """A source whose published files are small ones; the folder and the archive lie apart."""
    form = {"binary": BINARY, "python": PYTHON}[request.param]
    folder = write_folder(form, tmp_path / "written" / form.folder)
    archive = write_archive(folder, tmp_path / "written" / form.archive.name)
    (tmp_path / "own").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return replace(CIFAR10, forms=(publish(form, folder, archive),), counts=COUNTS), folder, archive


def test_the_registered_source_insists_on_the_published_files() -> None:
    source = SOURCES.get("cifar10")
    assert source is CIFAR10
    assert isinstance(source, Cifar)
    assert source.counts == (50_000, 10_000)
    assert [form.archive.size_bytes for form in source.forms] == [170_052_171, 170_498_071]
    assert all(file.digest.startswith("md5:") for form in source.forms for file in form.batches)


@pytest.mark.parametrize("place", ["own", "own/folder itself", "downloads", "data", "keras"])
def test_a_folder_is_found_in_the_usual_places(
    small: tuple[Cifar, Path, Path], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, folder, _ = small
    assert source.find() is None
    target = {
        "own": tmp_path / "own" / folder.name,
        "own/folder itself": tmp_path / "own" / "moved",
        "downloads": places.downloads() / folder.name,
        "data": Path("data") / folder.name,
        "keras": tmp_path / "keras" / "datasets" / f"{folder.name}-target" / folder.name,
    }[place]
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    if place == "own/folder itself":
        monkeypatch.setenv("CNNLAB_DATA", str(target))
    decoded = read_named(source)
    check(decoded)
    assert decoded.notes == ()


def test_an_archive_is_read_after_its_checksum(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, _, archive = small
    archive.rename(tmp_path / "own" / archive.name)
    decoded = read_named(source)
    check(decoded)
    assert decoded.notes == ()


def test_identity_changes_with_the_files(small: tuple[Cifar, Path, Path], tmp_path: Path) -> None:
    source, folder, _ = small
    folder.rename(tmp_path / "own" / folder.name)
    before = source.find()
    os.utime(tmp_path / "own" / folder.name / source.forms[0].batches[3].name, (1, 1))
    after = source.find()
    assert isinstance(before, Found)
    assert isinstance(after, Found)
    assert before.identity != after.identity
    assert before.path == after.path


def cuts(path: Path) -> list[int]:
    size = path.stat().st_size
    # The text file of class names ends in an empty line, whose loss changes nothing.
    return [0, 1, size // 2, size - (3 if path.suffix == ".txt" else 1)]


def test_case_01_every_file_cut_anywhere_is_an_error(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, folder, archive = small
    for whole in (folder, archive):
        whole.rename(tmp_path / "own" / whole.name)
        whole = tmp_path / "own" / whole.name
        for path in [whole] if whole.is_file() else sorted(whole.iterdir()):
            contents = path.read_bytes()
            for length in cuts(path):
                path.write_bytes(contents[:length])
                with pytest.raises(DataError) as caught:
                    read_named(source)
                assert path.name in str(caught.value) or whole.name in str(caught.value)
            path.write_bytes(contents)
        check(read_named(source))
        whole.rename(tmp_path / whole.name)


def test_case_02_one_flipped_bit_is_a_checksum_error(
    small: tuple[Cifar, Path, Path], tmp_path: Path
) -> None:
    source, folder, archive = small
    for whole in (folder, archive):
        whole.rename(tmp_path / "own" / whole.name)
        whole = tmp_path / "own" / whole.name
        files = [whole / file.name for file in source.forms[0].batches]
        for path in [whole] if whole.is_file() else files:
            contents = bytearray(path.read_bytes())
            for position in (0, len(contents) // 2, len(contents) - 1):
                contents[position] ^= 4
                path.write_bytes(contents)
                with pytest.raises(ChecksumError, match=path.name):
                    read_named(source)
                contents[position] ^= 4
            path.write_bytes(contents)
        whole.rename(tmp_path / whole.name)


def test_someones_own_batches_of_the_published_size_pass_by_path_but_not_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(BINARY, tmp_path / "own" / BINARY.folder)
    archive = write_archive(folder, tmp_path / "a.tar.gz")
    other = publish(BINARY, folder, archive)
    wrong = tuple(replace(file, digest="md5:0") for file in other.batches)
    source = replace(CIFAR10, forms=(replace(other, batches=wrong),), counts=COUNTS)
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "own"))
    decoded = read_folder(folder, source)
    check(decoded)
    assert "could not be verified" in decoded.notes[0]
    with pytest.raises(ChecksumError, match="data_batch_1"):
        read_named(source)


def test_by_name_all_the_images_have_to_be_there(tmp_path: Path) -> None:
    folder = write_folder(PYTHON, tmp_path / "x")
    found = CIFAR10.recognise(folder)
    assert found is not None
    with pytest.raises(DataError, match="100 train and 20 test images"):
        CIFAR10.read(found, ReadOptions(), allocate)


def test_what_is_fetched_is_found_and_read(
    small: tuple[Cifar, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _, archive = small
    with serving(archive.parent, monkeypatch) as mirror:
        source.mirrors = (mirror,)
        found = source.fetch(lambda line: None, time_limit_seconds=30)
    assert found == source.find()
    assert found.path == places.downloads() / archive.name
    check(read_named(source))


def test_a_fetch_in_vain_prints_the_command_and_leaves_nothing(
    small: tuple[Cifar, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _, _ = small
    with serving(tmp_path / "own", monkeypatch) as mirror:
        source.mirrors = (mirror,)
        with pytest.raises(DownloadError, match=r"local server answers 404.*data fetch cifar10"):
            source.fetch(lambda line: None)
    assert source.find() is None
    assert list(places.downloads().iterdir()) == []
