"""Servers on this machine, folders of images, and a home of one's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from class_folders import write_classes
from download_servers import Manners, Server, serve


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Start a server of such manners; no proxy stands between it and the test."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    started = []

    def start(manners: Manners) -> Server:
        server = Server(manners=manners)
        started.append(serve(server))
        return server

    yield start
    for httpd in started:
        httpd.shutdown()
        httpd.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three cats and two dogs as class folders."""
    return write_classes(tmp_path / "pets", {"cat": 3, "dog": 2})


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    """Cats and dogs as class folders, three and two to train on, one and two to test."""
    return write_classes(
        tmp_path / "pets", {"train/cat": 3, "train/dog": 2, "test/cat": 1, "test/dog": 2}
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no folder of archives."""
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    return tmp_path / "home"
