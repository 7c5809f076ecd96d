"""Data sets that a Linux distribution carries as packages, without root and without traces.

``apt-get`` works with lists and caches of its own in a temporary folder, fetches one package
(whose signature and hash it checks) and ``dpkg-deb`` unpacks it there. Nothing is installed, and
the hooks that the system's configuration runs around ``apt-get update`` are left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from cnnlab.data.download import fetch_lock, refuse_if_offline
from cnnlab.data.source import Say
from cnnlab.errors import DataError, DownloadError
from cnnlab.files import atomic_path, storage_errors

__all__ = ["fetch_package"]

#: Read after the system's own configuration, so that its proxies and sources still hold.
_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "{folder}/state";
Dir::State::Lists "{folder}/state/lists";
Dir::Cache "{folder}/cache";
Dir::Cache::Archives "{folder}/cache/archives";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::http::Timeout "5";
Acquire::https::Timeout "5";
"""


def fetch_package(
    package: str,
    inside: str,
    names: Sequence[str],
    folder: Path,
    say: Say,
    *,
    check: Callable[[Path], object],
    time_limit_seconds: float | None = None,
) -> None:
    """Take files out of a Debian or Ubuntu package and put them into ``folder``.

    Parameters
    ----------
    package: the package's name.
    inside: the folder within the package that the files lie in.
    names: the files to take.
    folder: where they go, each in one step.
    check: raises :class:`DataError` unless a folder holds the right files. Where ``folder`` does
        already, once it is this process's turn, there is nothing left to do; what the package
        gave is checked before it goes there.
    time_limit_seconds: for all of it.

    Raises
    ------
    DownloadError: the tools are not here, fail or take too long, or the files are other ones.
    """
    refuse_if_offline(f"package {package}")
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise DownloadError(f"this system has no {tool}", where=f"package {package}")
    end = None if time_limit_seconds is None else time.monotonic() + time_limit_seconds
    with (
        fetch_lock(folder, say, wait_seconds=time_limit_seconds),
        tempfile.TemporaryDirectory(prefix="cnnlab-apt-") as temporary,
    ):
        with suppress(DataError):
            check(folder)
            return
        say(f"taking the package {package} from this system's distribution")
        files = _unpacked(package, Path(temporary), end)
        _take(files / inside, names, folder, package, check)


def _unpacked(package: str, work: Path, end: float | None) -> Path:
    """The folder below ``work`` that the package's files are in."""
    with storage_errors(work):
        _prepare(work)
    get = ["apt-get", "-q", "-c", str(work / "apt.conf")]
    # A source that is down need not be the one that has the package: `download` will tell.
    _run([*get, "update"], work, package, end, check=False)
    _run([*get, "download", package], work, package, end)
    archives = list(work.glob(f"{package}_*.deb"))
    if len(archives) != 1:
        raise DownloadError(
            f"apt-get left {len(archives)} archives", where=f"package {package}", expected="one"
        )
    _run(["dpkg-deb", "-x", str(archives[0]), str(work / "files")], work, package, end)
    return work / "files"


def _prepare(work: Path) -> None:
    # As root, apt-get reads and writes as the user _apt, who has to get in.
    work.chmod(0o755)
    for name in ("state/lists/partial", "cache/archives/partial", "files"):
        (work / name).mkdir(parents=True)
    (work / "apt.conf").write_text(_CONFIGURATION.format(folder=work))


def _run(
    command: Sequence[str], work: Path, package: str, end: float | None, *, check: bool = True
) -> None:
    """Run a tool in ``work`` until ``end`` at most; its last complaint becomes the error."""
    left = None if end is None else max(end - time.monotonic(), 0.0)
    log = work / "log.txt"  # a file, as helpers left behind would keep a pipe open
    with storage_errors(work), log.open("wb") as output:
        try:
            code = subprocess.run(  # noqa: S603 - fixed tools, arguments of our own
                command,
                cwd=work,
                env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=left,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise DownloadError(
                f"{command[0]} did not finish in time", where=f"package {package}"
            ) from None
    if check and code != 0:
        lines = log.read_text(errors="replace").splitlines()
        complaints = [line for line in lines if line.startswith(("E:", "dpkg-deb: error"))]
        told = (complaints or lines or ["no message"])[-1]
        raise DownloadError(
            f"{command[0]} ended with code {code}: {told}", where=f"package {package}"
        )


def _take(
    source: Path, names: Sequence[str], folder: Path, package: str, check: Callable[[Path], object]
) -> None:
    """Move the right files into place; a link could stand for any file of this machine."""
    if any((source / name).is_symlink() for name in names):
        raise DownloadError("the package has links in place of files", where=f"package {package}")
    try:
        check(source)
    except DataError as error:
        raise DownloadError(
            f"the package has other files than were published: {error}", where=f"package {package}"
        ) from error
    for name in names:
        with atomic_path(folder / name) as temporary:
            shutil.copyfile(source / name, temporary)
