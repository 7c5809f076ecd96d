"""Runs that were trained before, sent to trackers: what ``cnnlab track`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnlab.data.source import Say, unsaid
from cnnlab.errors import InputError
from cnnlab.runs import AnyRun, as_runs
from cnnlab.tables import ShownAsText, printable
from cnnlab.tracking.follow import Follower
from cnnlab.tracking.target import Target, parse_targets

__all__ = ["Sent", "track"]


@dataclass(frozen=True)
class Sent(ShownAsText):
    """What was sent; an entry a run and tracker, with ``id``, ``epochs`` and ``place``.

    ``looks`` are the commands that show it, each once.
    """

    entries: list[dict[str, Any]]
    looks: list[str]

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab track --json`` prints."""
        return {"sent": self.entries, "look": self.looks}

    def to_text(self) -> str:
        """What ``cnnlab track`` prints."""
        lines = [
            f"{entry['run']}: {entry['epochs']} {'epoch' if entry['epochs'] == 1 else 'epochs'} "
            f"in {entry['tracker']}, {entry['place']}"
            for entry in self.entries
        ]
        return "\n".join(map(printable, [*lines, *(f"look at it: {look}" for look in self.looks)]))


def track(runs: Sequence[AnyRun], targets: Sequence[Target | str], *, say: Say = unsaid) -> Sent:
    """Send every run to every target; what is there already is not doubled.

    A target may be said as ``--track`` takes it: "tensorboard", "mlflow=http://host:5000".
    A run that is still being trained, or was cut off, is sent as far as it is. Raises
    :class:`InputError` for no run or no target, ``RunError`` for a damaged run, and
    ``FailedError`` with the tracker's own reason.
    """
    if not runs or not targets:
        raise InputError("nothing to send", expected="a run and a tracker, or more")
    known = [
        target if isinstance(target, Target) else parse_targets([target], option="targets")[0]
        for target in targets
    ]
    entries, looks = list[dict[str, Any]](), dict[str, None]()
    for run in as_runs(runs):
        for target in known:
            follower = Follower(run, target)
            follower.finish()
            looks[follower.look] = None
            entries.append(
                {
                    "run": str(run.path),
                    "tracker": target.name,
                    "id": follower.id,
                    "epochs": follower.epochs,
                    "place": follower.place,
                }
            )
        say(f"{run.path}: sent")
    return Sent(entries, list(looks))
