"""What tests of data share: a home of their own, and a small folder of class folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_folders import write_classes


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that is empty, and no folder of archives."""
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Cats and dogs, three and two to train on, one and two to test."""
    return write_classes(
        tmp_path / "pets", {"train/cat": 3, "train/dog": 2, "test/cat": 1, "test/dog": 2}
    )
