"""Bring the project's ``.venv`` up to date: ``_setup.py [EXTRA...]``, run by ``_setup.sh``.

Needs the standard library only, and Linux or macOS (locks). The lock file ``.venv.lock`` holds a
word while a set-up is under way, so that one that was cut off is noticed and begun anew; the stamp
inside ``.venv`` says what was installed, so that a second set-up has nothing to do.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

INPUTS = ("pyproject.toml", "constraints.txt")
PAUSE_SECONDS = 10
# torch 2.13.0 and the CUDA packages that it asks for on Linux, added up as pip lists them.
CUDA_DOWNLOAD = "about 2.7 GB"


class SetupError(Exception):
    """One line that says what went wrong and what to do."""


@dataclass(frozen=True)
class Stamp:
    """What a finished set-up left in ``.venv``."""

    root: str
    fingerprint: str
    extras: frozenset[str]

    @staticmethod
    def path(root: Path) -> Path:
        return root / ".venv" / "cnnlab-setup.json"

    @classmethod
    def read(cls, root: Path) -> Stamp | None:
        """Return the stamp, or None where there is none that can be read."""
        try:
            fields = json.loads(cls.path(root).read_text())
            return cls(fields["root"], fields["fingerprint"], frozenset(fields["extras"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, root: Path) -> None:
        fields = {**vars(self), "extras": sorted(self.extras)}
        self.path(root).write_text(json.dumps(fields, indent=1) + "\n")


def say(message: str) -> None:
    """Print to standard error: standard output belongs to the command that follows."""
    print(f"set-up: {message}", file=sys.stderr, flush=True)


def fingerprint(root: Path) -> str:
    """Hash what an installation depends on: the two input files and Python's version."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for name in INPUTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[TextIO]:
    """Hold the lock file ``path``, open for reading and writing; wait for whoever has it."""
    with path.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this folder is under way: waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        stream.seek(0)
        yield stream


def ask(python: Path, *arguments: str) -> str:
    """Return what ``python`` with ``arguments`` prints; nothing where it does not run."""
    try:
        return subprocess.run(
            [python, *arguments], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return ""


def is_usable(python: Path) -> bool:
    """Whether ``python`` runs, has pip, and is of the version that runs this file."""
    answer = ask(python, "-c", "import pip, sys; print(tuple(sys.version_info[:2]))")
    return answer.strip() == repr(tuple(sys.version_info[:2]))


def make_venv(root: Path) -> None:
    """Make ``.venv`` afresh."""
    path = root / ".venv"
    if path.is_symlink():
        raise SetupError(f"{path} is a link to a Python that does not fit: remove the link")
    began = time.monotonic()
    try:
        venv.create(path, clear=True, with_pip=True, symlinks=True, prompt="cnnlab")
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"{sys.executable} cannot make {path}: {error}") from error
    version = ".".join(map(str, sys.version_info[:3]))
    say(f"made .venv with Python {version} in {time.monotonic() - began:.0f} s")


def torch_notice(root: Path, python: Path) -> str | None:
    """Say how large torch's download would be, where it is gigabytes.

    ``pip index`` asks for names only, from wherever the user's settings lead. A dry run would
    fetch the files themselves from an index that does not serve their metadata apart.
    """
    pin = re.search(r"^torch==(\S+)", (root / "constraints.txt").read_text(), re.MULTILINE)
    if sys.platform != "linux" or not pin or next(root.glob(".venv/lib/*/*/torch-*.dist-info"), ""):
        return None
    answer = ask(python, "-m", "pip", "index", "versions", "torch")
    # The newest comes first, and of one version's builds the one that pip takes.
    build = re.search(rf"(?<![\w.]){re.escape(pin[1])}(\+\w+)?(?![\w.+])", answer)
    if build is None or build[1] == "+cpu":
        return None
    return (
        f"torch {pin[1]} comes with CUDA here: {CUDA_DOWNLOAD} to download. An NVIDIA GPU needs "
        "that. For the CPU-only build (about 0.2 GB) stop now (Ctrl-C), set PIP_EXTRA_INDEX_URL to "
        "PyTorch's own CPU index (its page 'Get started' shows the address), and start again."
    )


def warn_of_torch(root: Path, python: Path) -> None:
    """Print :func:`torch_notice`, with time to read it where somebody sits at a terminal."""
    notice = torch_notice(root, python)
    if notice is None:
        return
    say(notice)
    if sys.stdin.isatty() and sys.stderr.isatty():
        say(f"going on in {PAUSE_SECONDS} s")
        time.sleep(PAUSE_SECONDS)


def progress_of(line: str) -> str | None:
    """Return what a line that pip prints says of the large and the slow, or None."""
    if download := re.search(r"Downloading (\w+)-\S+ \((\d\d+)\.?\d* MB\)", line):
        return f"downloading {download[1]} ({download[2]} MB)"
    if line.startswith("Installing collected packages:"):
        return f"installing {line.count(',') + 1} packages"
    return None


def install(root: Path, python: Path, extras: frozenset[str], lock: TextIO) -> None:
    """Install the project, editable, with ``extras``, as pinned by ``constraints.txt``."""
    began = time.monotonic()
    target = f".[{','.join(sorted(extras))}]" if extras else "."
    say(f"installing {target} into .venv")
    # Python compiles what is imported when it first is; doing it for all, torch and scipy whole,
    # takes twice the time of the rest.
    options = ["--no-compile", "--disable-pip-version-check"]
    command = [str(python), "-m", "pip", "install", *options, "-e", target]
    # By environment, so that the pins hold for what builds the project too: pip up to 25.2 hands
    # the first to its build environments, later ones the second.
    pins = {"PIP_CONSTRAINT": "constraints.txt", "PIP_BUILD_CONSTRAINT": "constraints.txt"}
    lines = []
    with subprocess.Popen(
        command,
        cwd=root,
        env=os.environ | pins | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # pip holds the lock too: should this process be killed, nobody sets up beside pip.
        pass_fds=[lock.fileno()],
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if progress := progress_of(line.strip()):
                say(progress)
    if process.returncode:
        sys.stderr.writelines(lines[-15:])
        raise SetupError(f"pip could not install {target}: its last lines stand above")
    say(f"installed in {time.monotonic() - began:.0f} s")


def set_up(root: Path, extras: frozenset[str]) -> None:
    """Make or reuse ``root/.venv`` and install the project there with ``extras``.

    What an earlier set-up installed with the same inputs stays; a ``.venv`` that does not work,
    was moved here or was cut off in the middle is made afresh.
    """
    python = root / ".venv" / "bin" / "python"
    with exclusive(root / ".venv.lock") as lock:
        cut_off = bool(lock.read())
        before = Stamp.read(root)
        if before and before.root == str(root):
            extras |= before.extras
        stamp = Stamp(str(root), fingerprint(root), extras)
        if stamp == before and not cut_off and is_usable(python):
            return
        lock.write("under way\n")
        lock.flush()
        if cut_off:
            say("the last set-up did not finish: beginning anew")
        moved = before is not None and before.root != str(root)
        if cut_off or moved or not is_usable(python):
            make_venv(root)
        Stamp.path(root).unlink(missing_ok=True)
        warn_of_torch(root, python)
        install(root, python, extras, lock)
        stamp.write(root)
        lock.truncate(0)


def main() -> int:
    """Set up with the extras named on the command line; return the exit code."""
    try:
        set_up(Path(__file__).resolve().parent.parent, frozenset(sys.argv[1:]))
    except SetupError as error:
        say(str(error))
        return 3
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return 3
    except KeyboardInterrupt:
        say("interrupted; the next one begins anew")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
