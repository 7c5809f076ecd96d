"""Where a training stood when it was cut off, put back into it."""

from __future__ import annotations

from typing import Any

from cnnlab.config import make_config
from cnnlab.errors import RunError
from cnnlab.settings import changed_keys
from cnnlab.training.checkpoint import latest_checkpoint
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.fitter import Fitter
from cnnlab.training.prepare import Prepared
from cnnlab.training.state import Clock

__all__ = ["take_up"]

#: What a checkpoint raises that is whole, and of something else.
_OTHER_CONTENT = (LookupError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError)


def take_up(prepared: Prepared, fitter: Fitter, watch: Watcher) -> Clock | None:
    """Give the fitter the newest checkpoint that verifies, and return the clock beside it.

    None where there is no checkpoint. Raises :class:`RunError` where none can be used, or the
    configuration has changed since.
    """
    run = prepared.run
    found = latest_checkpoint(run)
    if found is None:
        return None
    tensors, header, damaged = found
    for name in damaged:
        watch(Notice(f"checkpoint {name} is damaged; the one before it is used"))
    try:
        _check_unchanged(prepared, header["config"])
        fitter.restore(tensors, header)
    except _OTHER_CONTENT as error:
        raise RunError(
            "the newest checkpoint does not fit the run",
            where=run.checkpoints,
            todo="remove it to go on from the one before, or train the run again",
        ) from error
    clock = Clock.read(Clock.file(run))
    if clock is None:
        watch(Notice("clock.json is missing or damaged; time is counted from here"))
    return clock or Clock()


def _check_unchanged(prepared: Prepared, saved: dict[str, Any]) -> None:
    run = prepared.run
    # Checked first, so that a setting that came later has its default on both sides.
    before = make_config([saved], where=f"{run.checkpoints}, the newest checkpoint")
    changed = changed_keys(before.to_dict(), prepared.config.to_dict())
    if changed:
        raise RunError(
            f"changed since the training was cut off: {', '.join(changed)}",
            where=run.path / "config.yaml",
            todo="put the old values back, or train a new run with --config",
        )
