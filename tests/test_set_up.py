"""Setting .venv up: what is made, reused, noticed and redone. pip runs for real, without a network.

The project that is set up here is a small one that builds itself and needs nothing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.long

SCRIPT = Path(__file__).parent.parent / "scripts" / "_setup.py"

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
import pathlib, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "demo-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        def add(file, text):
            wheel.writestr("demo-1.dist-info/" + file, text)
        add("METADATA", "Metadata-Version: 2.1\\nName: demo\\nVersion: 1\\n"
            "Provides-Extra: dev\\nProvides-Extra: more\\n")
        add("WHEEL", "Wheel-Version: 1.0\\nGenerator: demo\\nRoot-Is-Purelib: true\\n"
            "Tag: py3-none-any\\n")
        add("RECORD", "")
    return name
"""


@pytest.fixture(scope="module")
def setup() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("cnnlab_setup", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "my project"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(SCRIPT, root / "scripts")
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    (root / "constraints.txt").write_text("torch==2.13.0\n")
    return root


def _start(project: Path, *extras: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", project / "scripts" / "_setup.py", *extras],
        env={**os.environ, "PIP_NO_INDEX": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _set_up(project: Path, *extras: str) -> str:
    with _start(project, *extras) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    assert process.returncode == 0, said
    return said


def _installs(project: Path) -> bool:
    program = "import importlib.metadata as m; print(m.version('demo'))"
    command = [project / ".venv" / "bin" / "python", "-c", program]
    return subprocess.run(command, capture_output=True, check=False).stdout == b"1\n"


def test_a_set_up_is_made_once_reused_and_brought_up_to_date(project: Path) -> None:
    with _start(project) as one, _start(project) as two:
        assert one.stdout is not None
        assert two.stdout is not None
        said = [one.stdout.read(), two.stdout.read()]
    assert (one.returncode, two.returncode) == (0, 0), said
    assert sum("made .venv" in text for text in said) == 1
    assert sum("waiting for it" in text for text in said) == 1
    assert _installs(project)

    assert _set_up(project) == ""
    assert "installing .[dev]" in _set_up(project, "dev")
    assert _set_up(project) == "", "what has more than is asked for does"

    (project / "constraints.txt").write_text("torch==2.12.0\n")
    said = _set_up(project)
    assert "installing .[dev]" in said
    assert "made .venv" not in said


def test_what_pip_says_of_a_failure_is_shown(
    setup: ModuleType,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (project / "backend.py").write_text("raise RuntimeError('no such luck')\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with setup.exclusive(project / "lock") as lock, pytest.raises(setup.SetupError, match="above"):
        setup.install(project, Path(sys.executable), frozenset(), lock)
    assert "no such luck" in capsys.readouterr().err


@pytest.fixture
def made(setup: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the steps that were done; none is done for real."""
    done: list[str] = []

    def make_venv(root: Path) -> None:
        (root / ".venv").mkdir(exist_ok=True)
        done.append("made")

    monkeypatch.setattr(setup, "make_venv", make_venv)
    monkeypatch.setattr(setup, "warn_of_torch", lambda *_: None)
    monkeypatch.setattr(setup, "install", lambda *_: done.append("installed"))
    monkeypatch.setattr(setup, "is_usable", lambda python: python.parent.parent.exists())
    return done


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError])
def test_a_set_up_that_did_not_finish_is_begun_anew(
    setup: ModuleType,
    project: Path,
    made: list[str],
    monkeypatch: pytest.MonkeyPatch,
    end: type[BaseException],
) -> None:
    def ended(*_: object) -> None:
        raise end

    setup.set_up(project, frozenset())
    (project / "pyproject.toml").write_text(PYPROJECT + "\n")
    with monkeypatch.context() as patch:
        patch.setattr(setup, "install", ended)
        with pytest.raises(end):
            setup.set_up(project, frozenset())
    setup.set_up(project, frozenset())
    setup.set_up(project, frozenset())
    assert made == ["made", "installed", "made", "installed"]


def test_a_project_that_was_moved_is_set_up_anew(
    setup: ModuleType, project: Path, made: list[str]
) -> None:
    setup.set_up(project, frozenset(["dev"]))
    moved = project.rename(project.with_name("elsewhere"))
    setup.set_up(moved, frozenset())
    assert made == ["made", "installed", "made", "installed"]
    assert setup.Stamp.read(moved).extras == frozenset(), "nothing is left of what was there"


@pytest.mark.parametrize("stamp", ["", "[]", "{}", '{"root": 1}', "\x00"])
def test_a_damaged_stamp_counts_as_none(
    setup: ModuleType, project: Path, made: list[str], stamp: str
) -> None:
    setup.set_up(project, frozenset())
    setup.Stamp.path(project).write_text(stamp)
    setup.set_up(project, frozenset())
    assert made == ["made", "installed", "installed"]


def test_a_link_is_never_emptied(setup: ModuleType, project: Path) -> None:
    precious = project.with_name("precious")
    precious.mkdir()
    (precious / "file").touch()
    (project / ".venv").symlink_to(precious)
    with pytest.raises(setup.SetupError, match="is a link"):
        setup.set_up(project, frozenset())
    assert (precious / "file").exists()


@pytest.mark.parametrize(
    ("platform", "listing", "says"),
    [
        ("linux", "torch (2.15.0)\nAvailable versions: 2.15.0, 2.13.0, 2.12.1\n", True),
        ("linux", "torch (2.15.0)\nAvailable versions: 2.15.0, 2.13.0+cpu, 2.13.0\n", False),
        ("linux", "torch (2.13.0+cpu)\nAvailable versions: 2.13.0+cpu, 2.12.1\n", False),
        ("linux", "Available versions: 2.13.0+cu130, 2.13.0+cpu, 2.13.0\n", True),
        ("linux", "Available versions: 2.15.0, 12.13.0, 2.13.0.1\n", False),
        ("linux", "", False),
        ("darwin", "Available versions: 2.13.0\n", False),
    ],
)
def test_the_size_of_torch_is_said_where_it_is_large(
    setup: ModuleType,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    listing: str,
    says: bool,
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(setup, "ask", lambda *_: listing)
    notice = setup.torch_notice(project, Path("python"))
    assert (notice is not None) == says
    if notice:
        assert "2.7 GB" in notice
        assert "CPU-only" in notice


def test_nothing_is_said_of_a_torch_that_is_there(
    setup: ModuleType, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(setup, "ask", lambda *_: "Available versions: 2.13.0\n")
    packages = project / ".venv" / "lib" / "python3.11" / "site-packages"
    (packages / "torch-2.13.0.dist-info").mkdir(parents=True)
    assert setup.torch_notice(project, Path("python")) is None


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("Downloading torch-2.13.0-cp311-cp311-linux.whl (526.6 MB)", "downloading torch (526 MB)"),
        ("Downloading numpy-2.4.6.whl (16 MB)", "downloading numpy (16 MB)"),
        ("Downloading pillow-13.0.0-cp311-cp311-linux.whl (7.0 MB)", None),
        ("Downloading idna-3.20-py3-none-any.whl (69 kB)", None),
        ("Installing collected packages: a, b, c", "installing 3 packages"),
        ("Collecting torch", None),
    ],
)
def test_what_is_told_of_pips_progress(setup: ModuleType, line: str, progress: str | None) -> None:
    assert setup.progress_of(line) == progress
