"""What a rank does that does not lead: what rank 0 says, until it says that all is done."""

from __future__ import annotations

from pathlib import Path

from cnnlab.config import make_config
from cnnlab.ranks import World
from cnnlab.runs import Run
from cnnlab.training.events import unwatched
from cnnlab.training.loop import take_part
from cnnlab.training.pace import take_pace
from cnnlab.training.trial import prepare_trial

__all__ = ["follow"]


def follow(ranks: World) -> None:
    """Take part in whatever rank 0 begins (:meth:`cnnlab.ranks.World.tell`).

    All that a training needs stands in its run's directory, so nothing else is passed on.
    """
    while (order := ranks.hear()) is not None:
        if order["do"] == "fit":
            take_part(Run(Path(order["run"])))
        elif order["do"] == "pace":
            size = order["size"]
            prepared = prepare_trial(make_config([order["config"]]), Path(), unwatched)
            take_pace(
                prepared,
                seconds=order["seconds"],
                size=None if size is None else (size[0], size[1]),
            )
