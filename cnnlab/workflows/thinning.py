"""Removing the checkpoints that a run does not need any more."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cnnlab.errors import InputError, RunError, StorageError
from cnnlab.inference import read_tensors
from cnnlab.runs import AnyRun, Run, as_runs, command_line
from cnnlab.tables import ShownAsText, bytes_text
from cnnlab.training.checkpoint import last_checkpoints, left_overs
from cnnlab.workflows.removal import check_free, hold

__all__ = ["Thinned", "ThinnedRun", "thin_runs"]


@dataclass(frozen=True)
class ThinnedRun:
    """What was removed from one run (names in ``checkpoints/``), and why the rest stays."""

    run: str
    path: str
    removed: list[str]
    freed_bytes: int
    reason: str


@dataclass(frozen=True)
class Thinned(ShownAsText):
    """What was removed, or where ``dry_run`` would be."""

    runs: list[ThinnedRun]
    dry_run: bool

    @property
    def freed_bytes(self) -> int:
        """Bytes of all removed files."""
        return sum(run.freed_bytes for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab runs thin --json`` prints."""
        return {
            "runs": [asdict(run) for run in self.runs],
            "freed_bytes": self.freed_bytes,
            "dry_run": self.dry_run,
        }

    def to_text(self) -> str:
        """What ``cnnlab runs thin`` prints: a line a run, and the sum."""
        lines = []
        for run in self.runs:
            count = "1 file" if len(run.removed) == 1 else f"{len(run.removed)} files"
            freed = f"{count}, {bytes_text(run.freed_bytes)}; " if run.removed else ""
            lines.append(f"{run.path}: {freed}{run.reason}")
        said = "would be freed (dry run: nothing was removed)" if self.dry_run else "freed"
        return "\n".join([*lines, f"{bytes_text(self.freed_bytes)} {said}"])


def thin_runs(runs: Sequence[AnyRun], *, dry_run: bool = False, tolerant: bool = False) -> Thinned:
    """Remove checkpoints that nothing needs any more.

    A finished run keeps its best weights: evaluation, reports, predictions and fine-tuning use
    nothing else, and there is nothing to resume. Any other run keeps the newest checkpoint that
    verifies, from which training goes on exactly; older ones are its spares. A run whose best
    weights, or all of whose checkpoints, are damaged keeps everything.

    ``tolerant``: pass over a run that is in use or cannot be read, with the reason, instead of
    raising :class:`RunError` before anything is removed.
    """
    unique = list({run.path.resolve(): run for run in as_runs(runs)}.values())
    if not tolerant:
        for run in unique:
            _check(run)
    thinned = []
    for run in unique:
        try:
            thinned.append(_thin(run, dry_run=dry_run))
        except InputError as error:
            if not tolerant:
                raise
            thinned.append(ThinnedRun(run.name, str(run.path), [], 0, f"passed over: {error}"))
    return Thinned(thinned, dry_run)


def _check(run: Run) -> None:
    """Raise where a run is in use, or its configuration or result cannot be read."""
    check_free(run)
    _ = run.config, run.result


def _thin(run: Run, *, dry_run: bool) -> ThinnedRun:
    _check(run)
    with nullcontext() if dry_run else hold([run]):
        spare, reason = _spare(run)
        sizes = [path.lstat().st_size for path in spare]
        if not dry_run:
            _delete(spare)
    return ThinnedRun(run.name, str(run.path), [path.name for path in spare], sum(sizes), reason)


def _spare(run: Run) -> tuple[list[Path], str]:
    """Files in ``checkpoints/`` that may go, and a word on what stays."""
    left_over = left_overs(run)
    found = last_checkpoints(run)
    # We hold the lock ourselves, so a run without a result is not one that is running.
    status = "unfinished" if run.result is None else run.status
    if status == "finished":
        if not _verifies(run.best_weights):
            return left_over, "its best weights are missing or damaged, so every checkpoint stays"
        return [*found, *left_over], "the best weights stay, which is all that a finished run needs"
    newest = next((path for path in found if _verifies(path)), None)
    if newest is None:
        nothing = "no checkpoint verifies, so all stay" if found else "there is no checkpoint"
        return left_over, f"{status}; {nothing}"
    spare = [path for path in found if path != newest]
    resume = command_line("train", "--resume", run.path)
    return [*spare, *left_over], f"{status}; {newest.name} stays, for: {resume}"


def _verifies(path: Path) -> bool:
    try:
        read_tensors(path)
    except RunError:
        return False
    return True


def _delete(paths: Sequence[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            todo = "make its folder one that you may write to"
            raise StorageError(f"cannot be removed: {reason}", where=path, todo=todo) from error
