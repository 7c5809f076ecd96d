import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnlab.data import places
from cnnlab.errors import DataError


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own data"
    folder.mkdir()
    monkeypatch.setenv("CNNLAB_DATA", str(folder))
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    return folder


def test_home_is_the_variable_or_the_platforms_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNLAB_HOME", "~/somewhere")
    assert places.home() == Path.home() / "somewhere"
    monkeypatch.delenv("CNNLAB_HOME")
    assert places.home().name.lower() == "cnnlab"
    assert places.downloads() == places.home() / "downloads"


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_data_folder_that_is_none_is_an_error(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "thing"
    if kind == "file":
        path.write_text("not a folder")
    monkeypatch.setenv("CNNLAB_DATA", str(path))
    with pytest.raises(DataError, match="CNNLAB_DATA does not name a folder") as caught:
        places.data_folder()
    assert str(path) in str(caught.value)


def test_an_empty_or_absent_variable_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNLAB_DATA", "")
    assert places.data_folder() is None
    monkeypatch.delenv("CNNLAB_DATA")
    assert places.data_folder() is None


def test_own_folder_comes_before_downloads_before_usual_places(own: Path, tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    for folder in (usual, places.downloads(), own):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "b").write_text("b")
    (usual / "a").mkdir()
    assert places.candidates("a", "b", usual=[usual, tmp_path / "absent"]) == [
        own / "b",
        places.downloads() / "b",
        usual / "a",
        usual / "b",
    ]


def test_usual_places_are_those_of_tutorials_and_of_keras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "k"))
    assert places.usual() == [tmp_path / "data", tmp_path / "k" / "datasets"]
    monkeypatch.delenv("KERAS_HOME")
    assert places.usual()[1] == Path.home() / ".keras" / "datasets"


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let nothing below a folder be looked at, as where its user keeps it closed."""
    genuine = os.stat

    def close(folder: Path) -> None:
        def refuse(path: str | Path, **options: bool) -> os.stat_result:
            if str(path).startswith(f"{folder}/"):
                raise PermissionError(13, "Permission denied", str(path))
            return genuine(path, **options)  # type: ignore[arg-type]  # as it was called

        monkeypatch.setattr(os, "stat", refuse)

    return close


def test_a_closed_usual_folder_is_none(
    own: Path, tmp_path: Path, closed: Callable[[Path], None]
) -> None:
    usual = tmp_path / "usual"
    (usual / "a").mkdir(parents=True)
    closed(usual)
    (own / "a").mkdir()
    assert places.candidates("a", ".", usual=[usual]) == [own / "a", own]


def test_a_closed_folder_of_the_users_is_an_error(
    own: Path, closed: Callable[[Path], None]
) -> None:
    closed(own)
    for name in ("a", "."):
        with pytest.raises(DataError, match=r"own data.*: cannot be read: permission denied"):
            places.candidates(name)


def test_a_folder_in_a_closed_one_is_an_error(
    own: Path, tmp_path: Path, closed: Callable[[Path], None]
) -> None:
    del own
    closed(tmp_path)
    with pytest.raises(DataError, match=r"own data: cannot be read: permission denied"):
        places.data_folder()


def test_a_home_of_nobody_is_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CNNLAB_HOME", "CNNLAB_DATA", "KERAS_HOME"):
        monkeypatch.setenv(name, "~nosuch/x")
    assert places.home() == tmp_path / "~nosuch" / "x"
    assert places.usual()[1] == tmp_path / "~nosuch" / "x" / "datasets"
    with pytest.raises(DataError, match="CNNLAB_DATA does not name a folder"):
        places.data_folder()
