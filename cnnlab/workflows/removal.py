"""Removing runs: all is checked before anything is touched, and a run goes in one step."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cnnlab.errors import RunError, StorageError
from cnnlab.files import exclusive_lock
from cnnlab.runs import Run, files_of, find_run, has_marks, list_runs
from cnnlab.tables import ShownAsText, bytes_text

__all__ = ["Removed", "RemovedRun", "check_free", "find_removable", "hold", "remove_runs"]

#: A run that is being deleted has such a name, which no list shows.
_TRASH = ".removed-"


@dataclass(frozen=True)
class RemovedRun:
    """A run that is gone, and the bytes of its files."""

    run: str
    path: str
    size_bytes: int


@dataclass(frozen=True)
class Removed(ShownAsText):
    """What was removed."""

    runs: list[RemovedRun]

    @property
    def freed_bytes(self) -> int:
        """Bytes of all files."""
        return sum(run.size_bytes for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab runs rm --json`` prints."""
        return {"removed": [asdict(run) for run in self.runs], "freed_bytes": self.freed_bytes}

    def to_text(self) -> str:
        """What ``cnnlab runs rm`` prints."""
        if not self.runs:
            return "nothing was removed"
        lines = [f"removed {run.path} ({bytes_text(run.size_bytes)})" for run in self.runs]
        return "\n".join([*lines, f"{bytes_text(self.freed_bytes)} freed"])


def find_removable(names: Sequence[str], *, runs: Path = Path("runs")) -> list[Run]:
    """The runs of these names or folders, each once, after all have passed every check.

    Raises :class:`RunError` for what is no run directory, a link to one, the folder that we stand
    in, and a run that is being trained.
    """
    found = {_real_folder(name, runs): find_run(name, runs=runs) for name in names}
    for path, run in found.items():
        _check_removable(path, run)
    return list(found.values())


def _real_folder(name: str, runs: Path) -> Path:
    if list_runs(Path(name)):
        raise RunError("a folder of runs, no run", where=name, todo="name the runs in it")
    path = find_run(name, runs=runs).path
    if path.is_symlink():
        target = path.resolve()
        todo = f"name the folder itself, {target}, or remove the link with: rm {path}"
        raise RunError("a link, no run directory", where=path, todo=todo)
    return path.resolve()


def _check_removable(path: Path, run: Run) -> None:
    with suppress(OSError):  # where we stand may itself have been removed
        here = Path.cwd().resolve()
        if here == path or path in here.parents:
            raise RunError("you stand in it", where=run.path, todo="leave it first (cd ..)")
    if not has_marks(path):
        raise RunError(
            "not removed, for it does not look like a run",
            where=run.path,
            expected="split.json, architecture.yaml, checkpoints/ ... beside its config.yaml",
            todo="look into it, and remove it by hand",
        )
    check_free(run)


def check_free(run: Run) -> None:
    """:class:`RunError` where somebody trains the run, thins it out or removes it just now."""
    if run.in_use:
        todo = "stop its training (Ctrl-C), or wait for its end"
        raise RunError("it is in use", where=run.path, todo=todo)


@contextmanager
def hold(runs: Sequence[Run]) -> Iterator[None]:
    """Keep training out of all these runs; :class:`RunError` that names one that is in use."""
    with ExitStack() as stack:
        for run in runs:
            check_free(run)
            stack.enter_context(exclusive_lock(run.lock_file))
        yield


def remove_runs(runs: Sequence[Run]) -> Removed:
    """Remove run directories; what links in them point to stays.

    First each gets a name that no list shows, in one step; where that fails for one, all get
    their names back. Only then are files deleted, so a half-deleted folder never looks like a
    run. What an earlier removal left behind, because it was killed, goes as well.

    Raises as :func:`find_removable`, and :class:`StorageError` where the system refuses.
    """
    unique = {run.path.resolve(): run for run in runs}
    for path, run in unique.items():
        _check_removable(path, run)
    removed = [
        RemovedRun(run.name, str(run.path), sum(files_of(path).values()))
        for path, run in unique.items()
    ]
    with hold(list(unique.values())):
        hidden = _hide(list(unique))
    for folder in {path.parent for path in hidden}:
        for left_over in folder.glob(f"{_TRASH}*"):
            shutil.rmtree(left_over, ignore_errors=True)
    for trash in hidden:
        if trash.exists():
            todo = "remove the rest by hand"
            raise StorageError("cannot be deleted entirely", where=trash, todo=todo)
    return Removed(removed)


def _hide(paths: Sequence[Path]) -> list[Path]:
    """Rename every folder to a hidden name beside it, or none; return the new paths."""
    renamed: list[tuple[Path, Path]] = []
    try:
        for path in paths:
            hidden = path.with_name(f"{_TRASH}{secrets.token_hex(8)}")
            path.rename(hidden)
            renamed.append((path, hidden))
    except OSError as error:
        for old, new in renamed:
            new.rename(old)
        reason = error.strerror or str(error)
        todo = "choose runs in a folder that you may write to; nothing was removed"
        raise StorageError(f"cannot be removed: {reason}", where=path, todo=todo) from error
    return [hidden for _, hidden in renamed]
