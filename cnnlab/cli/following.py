"""A training as a person watches it, and as trackers do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cnnlab.runs import Run
    from cnnlab.tracking import Tracking

__all__ = ["Track", "followed"]

Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        metavar="NAME[=WHERE]",
        help="Send it to tensorboard or mlflow as it trains; repeatable.",
    ),
]


@contextmanager
def followed(track: Sequence[str] | None, resumed: Run | None = None) -> Iterator[Tracking]:
    """Yield what watches a training: the display, and behind it the trackers asked for.

    ``resumed``: a run that goes on where it was being sent before, if nothing is asked for.
    Raises ``InputError`` for a tracker that is not there, before anything is shown.
    """
    from cnnlab.cli.progress import TrainingDisplay
    from cnnlab.tracking import Tracking, parse_targets, targets_for

    targets = parse_targets(track or [], option="--track")
    if resumed is not None:
        targets = targets_for(resumed, targets)
    with TrainingDisplay() as display, Tracking(targets, display) as watch:
        yield watch
