"""The tools are stand-ins here: the real ones are tried in tests/real."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cnnlab.data import distribution
from cnnlab.data.distribution import fetch_package
from cnnlab.errors import DataError, DownloadError

NAMES = ["a.gz", "b.gz"]


def tool(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys, pathlib, time\nargs = sys.argv[1:]\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


APT_GET = """
pathlib.Path(LOG).open("a").write(" ".join(args) + "\\n")
if "download" in args:
    pathlib.Path("some-data_1.0_all.deb").write_text("package")
"""

DPKG_DEB = """
target = pathlib.Path(args[2]) / "usr/share/x"
target.mkdir(parents=True)
for name in ("a.gz", "b.gz"):
    (target / name).write_text("right " + name)
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    tool(folder, "apt-get", APT_GET.replace("LOG", repr(str(tmp_path / "log"))))
    tool(folder, "dpkg-deb", DPKG_DEB)
    monkeypatch.setenv("PATH", str(folder))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return folder


def check(folder: Path) -> None:
    for name in NAMES:
        if not (folder / name).is_file() or (folder / name).read_text() != f"right {name}":
            raise DataError("wrong", where=folder / name)


def fetch(tmp_path: Path, said: list[str] | None = None, limit: float | None = None) -> Path:
    say = (said if said is not None else []).append
    folder = tmp_path / "downloads" / "x"
    fetch_package(
        "some-data", "usr/share/x", NAMES, folder, say, check=check, time_limit_seconds=limit
    )
    return folder


def left_behind(tmp_path: Path) -> Sequence[Path]:
    downloads = tmp_path / "downloads"
    stray = [path for path in downloads.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return [*(tmp_path / "tmp").iterdir(), *stray]


def test_files_come_from_the_package_and_nothing_else_stays(tools: Path, tmp_path: Path) -> None:
    said: list[str] = []
    folder = fetch(tmp_path, said)
    check(folder)
    assert sorted(left_behind(tmp_path)) == [folder / name for name in NAMES]
    assert said == ["taking the package some-data from this system's distribution"]


def test_the_systems_own_lists_and_hooks_are_left_alone(tools: Path, tmp_path: Path) -> None:
    fetch(tmp_path)
    calls = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert [call[3:] for call in calls] == [["update"], ["download", "some-data"]]
    for call in calls:
        assert call[:2] == ["-q", "-c"]
        assert Path(call[2]).is_relative_to(tmp_path / "tmp")
    configuration = distribution._CONFIGURATION
    for setting in ("Dir::State::Lists", "Dir::Cache", "#clear APT::Update::Post-Invoke;"):
        assert setting in configuration


def test_files_that_are_right_already_are_not_fetched_again(tools: Path, tmp_path: Path) -> None:
    fetch(tmp_path)
    (tmp_path / "log").unlink()
    said: list[str] = []
    folder = fetch(tmp_path, said)
    assert said == []
    assert not (tmp_path / "log").exists()
    (folder / "b.gz").write_text("damaged")
    check(fetch(tmp_path))


@pytest.mark.parametrize("name", ["apt-get", "dpkg-deb"])
def test_a_system_without_the_tools_is_said(tools: Path, name: str, tmp_path: Path) -> None:
    (tools / name).unlink()
    with pytest.raises(DownloadError, match=f"this system has no {name}"):
        fetch(tmp_path)


@pytest.mark.parametrize(
    ("name", "body", "complaint"),
    [
        (
            "apt-get",
            "print('E: Unable to locate package some-data'); print('done'); sys.exit(100)",
            "apt-get ended with code 100: E: Unable to locate package some-data",
        ),
        ("apt-get", "sys.exit(100)", "code 100: no message"),
        ("apt-get", "", "apt-get left 0 archives"),
        ("dpkg-deb", "print('dpkg-deb: error: not a package'); sys.exit(2)", "not a package"),
        ("dpkg-deb", "", "other files than were published: .*wrong"),
        (
            "dpkg-deb",
            DPKG_DEB.replace("right", "wrong"),
            "other files than were published: .*wrong",
        ),
        (
            "dpkg-deb",
            DPKG_DEB + "(target / 'a.gz').unlink(); (target / 'a.gz').symlink_to('/etc/passwd')",
            "links in place of files",
        ),
    ],
)
def test_failing_tools_are_one_line_and_leave_nothing(
    tools: Path, name: str, body: str, complaint: str, tmp_path: Path
) -> None:
    tool(tools, name, body)
    with pytest.raises(DownloadError, match=complaint) as caught:
        fetch(tmp_path)
    assert "\n" not in str(caught.value)
    assert "package some-data" in str(caught.value)
    assert left_behind(tmp_path) == []


def test_an_update_that_fails_does_not_matter_if_the_download_works(
    tools: Path, tmp_path: Path
) -> None:
    log = repr(str(tmp_path / "log"))
    tool(tools, "apt-get", APT_GET.replace("LOG", log) + "\nif 'update' in args: sys.exit(100)")
    check(fetch(tmp_path))


def test_tools_that_hang_are_stopped_in_time(tools: Path, tmp_path: Path) -> None:
    tool(tools, "apt-get", "time.sleep(600)")
    with pytest.raises(DownloadError, match="apt-get did not finish in time"):
        fetch(tmp_path, limit=0.3)
    assert left_behind(tmp_path) == []


def test_the_tools_speak_english_and_ask_nothing(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    body = "import os; assert os.environ['LC_ALL'] == 'C'; assert not sys.stdin.read()"
    tool(tools, "apt-get", body + APT_GET.replace("LOG", repr(str(tmp_path / "log"))))
    check(fetch(tmp_path))
    assert os.environ["LC_ALL"] == "de_DE.UTF-8"
