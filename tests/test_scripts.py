"""Which Python the scripts choose, and what they hand on. No network, no real set-up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"
BASE = str(Path(sys.base_prefix, "bin", f"python3.{sys.version_info[1]}"))

SHIM = "echo \"pyenv: command not found\" >&2; echo 'in: 3.11.7'; exit 127"
GOOD = f'exec "{BASE}" "$@"'
# $1 is -c and $2 the program: run it as that Python would.
OLD = f"""exec "{BASE}" -c 'import sys; sys.version_info = (3, 9); exec(sys.argv[1])' "$2" """


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the scripts in a folder with a space in its name, and a PATH with no Python."""
    root = tmp_path / "my project"
    shutil.copytree(SCRIPTS, root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "env", "id"):
        (tools / name).symlink_to(str(shutil.which(name)))
    return root


def _fake(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
    path.chmod(0o755)
    return path


def _without_venv(path: Path) -> Path:
    """Make ``path`` a Python as Debian has it without its package for venv."""
    hiding = path.parent / "hiding"
    hiding.mkdir(parents=True)
    (hiding / "ensurepip.py").write_text("raise ImportError\n")
    return _fake(path, f'PYTHONPATH="{hiding}" exec "{BASE}" "$@"')


def _bash(
    project: Path, *command: str, path: tuple[Path, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    folders = [*path, project.parent / "tools"]
    return subprocess.run(
        command,
        cwd=project.parent,
        env={"PATH": os.pathsep.join(map(str, folders)), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _find(project: Path, *path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = 'set -eu; . "$0/scripts/_setup.sh"; find_python; echo "$python"'
    return _bash(project, "bash", "-c", program, str(project), path=path, **environment)


def _fails_in_one_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr


def test_a_shim_that_fails_is_passed_over(project: Path, tmp_path: Path) -> None:
    _fake(tmp_path / "bin" / "python3.11", SHIM)
    good = _fake(tmp_path / "bin" / "python3.12", GOOD)
    assert _find(project, tmp_path / "bin").stdout == f"{good}\n"


def test_a_shim_hides_no_later_python_of_the_same_name(project: Path, tmp_path: Path) -> None:
    _fake(tmp_path / "shims" / "python3.11", SHIM)
    good = _fake(tmp_path / "bin" / "python3.11", GOOD)
    _fake(tmp_path / "bin" / "python3.12", GOOD)
    assert _find(project, tmp_path / "shims", tmp_path / "bin").stdout == f"{good}\n"


def test_python_3_11_comes_first(project: Path, tmp_path: Path) -> None:
    names = ("python", "python3", "python3.13", "python3.12", "python3.11")
    fakes = [_fake(tmp_path / str(i) / name, GOOD) for i, name in enumerate(names)]
    found = _find(project, *(fake.parent for fake in fakes))
    assert found.stdout == f"{fakes[-1]}\n"


def test_the_environment_that_is_there_comes_before_all(project: Path, tmp_path: Path) -> None:
    _fake(tmp_path / "bin" / "python3.11", GOOD)
    own = _fake(project / ".venv" / "bin" / "python", GOOD)
    assert _find(project, tmp_path / "bin").stdout == f"{own}\n"


def test_an_environment_whose_python_is_gone_is_passed_over(project: Path, tmp_path: Path) -> None:
    good = _fake(tmp_path / "bin" / "python3.11", GOOD)
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(tmp_path / "nowhere")
    assert _find(project, tmp_path / "bin").stdout == f"{good}\n"


def test_no_python_at_all(project: Path) -> None:
    _fails_in_one_line(_find(project), "3.11, 3.12 or 3.13", "CNNLAB_PYTHON")


def test_only_an_old_python(project: Path, tmp_path: Path) -> None:
    _fake(tmp_path / "bin" / "python3", OLD)
    _fails_in_one_line(_find(project, tmp_path / "bin"), "3.11, 3.12 or 3.13")


def test_the_named_python_is_used(project: Path, tmp_path: Path) -> None:
    _fake(tmp_path / "bin" / "python3.11", GOOD)
    named = _fake(tmp_path / "my python", GOOD)
    found = _find(project, tmp_path / "bin", CNNLAB_PYTHON=str(named))
    assert found.stdout == f"{named}\n"


@pytest.mark.parametrize(("body", "verdict"), [(OLD, "Python 3.9"), ("exit 1", "does not run")])
def test_a_named_python_that_does_not_fit_is_not_replaced(
    project: Path, tmp_path: Path, body: str, verdict: str
) -> None:
    _fake(tmp_path / "bin" / "python3.11", GOOD)
    named = _fake(tmp_path / "other", body)
    done = _find(project, tmp_path / "bin", CNNLAB_PYTHON=str(named))
    _fails_in_one_line(done, str(named), verdict)


def test_a_python_with_venv_is_taken_where_another_lacks_it(project: Path, tmp_path: Path) -> None:
    _without_venv(tmp_path / "bin" / "python3.11")
    good = _fake(tmp_path / "bin" / "python3.12", GOOD)
    assert _find(project, tmp_path / "bin").stdout == f"{good}\n"


def test_a_python_without_venv_is_named(project: Path, tmp_path: Path) -> None:
    bare = _without_venv(tmp_path / "bin" / "python3.11")
    _fails_in_one_line(_find(project, tmp_path / "bin"), str(bare), "no venv module")


@pytest.mark.parametrize(("user", "mend"), [("0", ": apt-get"), ("1000", ": sudo apt-get")])
def test_the_line_that_mends_debians_python(
    project: Path, tmp_path: Path, user: str, mend: str
) -> None:
    _fake(tmp_path / "bin" / "apt-get", "exit 1")
    _fake(tmp_path / "bin" / "id", f"echo {user}")
    program = '. "$0/scripts/_setup.sh"; mend_venv /usr/bin/python3.12 3.12'
    done = _bash(project, "bash", "-c", program, str(project), path=(tmp_path / "bin",))
    assert done.stdout.endswith(f"{mend} install python3.12-venv\n")


WORKERS = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]


@pytest.mark.parametrize(
    ("script", "program", "handed_on", "extras"),
    [
        ("quickstart", "cnnlab", ["quickstart", "--seed", "a b"], ["all"]),
        ("test", "python", ["-m", "pytest", *WORKERS, "--seed", "a b"], ["dev"]),
    ],
)
def test_options_are_handed_on(
    project: Path, script: str, program: str, handed_on: list[str], extras: list[str]
) -> None:
    (project / "scripts" / "_setup.py").write_text(
        "import sys; print(sys.argv[1:], file=sys.stderr)"
    )
    echo = 'if [ "$1" = -I ] || [ "$1" = -c ]; then ' + GOOD + '; fi; printf "%s\\n" "$@"; exit 7'
    for name in ("cnnlab", "python"):
        _fake(project / ".venv" / "bin" / name, echo if name == program else GOOD)
    done = _bash(project, str(project / "scripts" / script), "--seed", "a b")
    assert done.stderr == f"{extras}\n"
    assert done.stdout.splitlines() == handed_on
    assert done.returncode == 7


@pytest.mark.parametrize(
    ("environment", "kept"),
    [
        ({}, "unset unset"),
        ({"PYTHONDONTWRITEBYTECODE": "1"}, "unset {}/.venv/pycache"),
        ({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/a b"}, "unset /a b"),
        ({"PYTHONPYCACHEPREFIX": "/a b"}, "unset /a b"),
    ],
)
def test_what_tests_compile_is_kept(project: Path, environment: dict[str, str], kept: str) -> None:
    (project / "scripts" / "_setup.py").write_text("")
    told = 'echo "${PYTHONDONTWRITEBYTECODE-unset} ${PYTHONPYCACHEPREFIX-unset}"'
    _fake(
        project / ".venv" / "bin" / "python",
        f'if [ "$1" = -I ] || [ "$1" = -c ]; then {GOOD}; fi; {told}',
    )
    done = _bash(project, str(project / "scripts" / "test"), **environment)
    assert done.stdout == kept.format(project) + "\n"
