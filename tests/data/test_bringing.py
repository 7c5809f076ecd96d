"""Known data sets are brought here whole: found, decoded, and fetched again where damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cifar10_files import COUNTS, publish, write_archive, write_folder
from local_server import serving

from cnnlab.data import places
from cnnlab.data.bringing import bring
from cnnlab.data.cifar import Cifar
from cnnlab.data.cifar10 import BINARY, CIFAR10
from cnnlab.data.source import SOURCES
from cnnlab.errors import DataError, DownloadError


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small archive that stands for CIFAR-10's published one, in no place that is looked in."""
    folder = write_folder(BINARY, tmp_path / "written" / BINARY.folder)
    archive = write_archive(folder, tmp_path / "written" / BINARY.archive.name)
    for name in ("own", "elsewhere"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("CNNLAB_OFFLINE", raising=False)
    source = replace(CIFAR10, forms=(publish(BINARY, folder, archive),), counts=COUNTS, mirrors=())
    monkeypatch.setattr(SOURCES, "get", lambda name: source)
    return archive


@contextmanager
def mirrored(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the archive from a mirror."""
    source = SOURCES.get("cifar10")
    assert isinstance(source, Cifar)
    with serving(archive.parent, monkeypatch) as mirror:
        monkeypatch.setattr(SOURCES, "get", lambda name: replace(source, mirrors=(mirror,)))
        yield


def damaged(archive: Path, folder: Path) -> Path:
    """A copy of the archive of the same size, with some bytes changed."""
    folder.mkdir(parents=True, exist_ok=True)
    content = bytearray(archive.read_bytes())
    content[200:300] = bytes(100)
    path = folder / archive.name
    path.write_bytes(content)
    return path


def test_a_whole_file_is_decoded_and_returned(archive: Path, tmp_path: Path) -> None:
    here = archive.rename(tmp_path / "own" / archive.name)
    lines: list[str] = []
    for _ in range(2):
        found = bring("cifar10", say=lines.append)
        assert found is not None
        assert found.path == here
    assert [line for line in lines if "decoding CIFAR-10" in line] == lines[:1]


def test_what_is_not_here_is_fetched_and_decoded_unless_forbidden(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bring("cifar10", download=False) is None
    lines: list[str] = []
    with mirrored(archive, monkeypatch):
        found = bring("cifar10", say=lines.append)
    assert found is not None
    assert found.path == places.downloads() / archive.name
    assert "decoding CIFAR-10" in lines[-1]


def test_a_damaged_download_is_fetched_again(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = damaged(archive, places.downloads())
    lines: list[str] = []
    with pytest.raises(DataError, match=str(path)):
        bring("cifar10", download=False)
    with mirrored(archive, monkeypatch):
        found = bring("cifar10", say=lines.append)
    assert found is not None
    assert found.path == path
    assert path.read_bytes() == archive.read_bytes()
    assert any(str(path) in line and line.endswith("; getting it again") for line in lines)


def test_a_damaged_file_of_the_users_is_theirs_to_replace(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = damaged(archive, tmp_path / "own")
    before = path.read_bytes()
    with (
        mirrored(archive, monkeypatch),
        pytest.raises(DataError, match="SHA256") as caught,
    ):
        bring("cifar10")
    assert caught.value.exit_code == 2
    todo = f"; replace {path} or remove it, then: cnnlab data fetch cifar10"
    assert str(caught.value).endswith(todo)
    assert path.read_bytes() == before
    assert not places.downloads().exists()


def test_nothing_is_downloaded_offline(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    for prepare in (lambda: None, lambda: damaged(archive, places.downloads())):
        prepare()
        with mirrored(archive, monkeypatch), pytest.raises(DownloadError, match="OFFLINE"):
            bring("cifar10")
