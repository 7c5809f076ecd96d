"""A training of which nothing is written: its network is used and forgotten."""

from __future__ import annotations

from cnnlab.device import memory_errors, set_up_torch
from cnnlab.training.batches import Batches
from cnnlab.training.epoch import EpochRunner
from cnnlab.training.events import Watcher, unwatched
from cnnlab.training.fitter import Fitter
from cnnlab.training.prepare import Prepared
from cnnlab.training.state import Clock, EpochSums

__all__ = ["fit_unsaved"]


def fit_unsaved(
    prepared: Prepared, watch: Watcher = unwatched, *, limit_seconds: float | None = None
) -> Fitter:
    """Train on all of ``prepared.split.train``, in one stage, to the last step or the limit.

    No validation is watched: the weights are the last ones. Raises ``DivergedError`` and
    ``MemoryLimitError``.
    """
    config = prepared.config
    set_up_torch(config.threads or 1)
    with memory_errors("training"):
        fitter, clock = Fitter(prepared), Clock()
        batches = Batches(
            prepared.dataset,
            prepared.split.train,
            config.training,
            prepared.preprocessing,
            seed=config.seed,
            device=fitter.device,
        )

        def over() -> bool:
            return limit_seconds is not None and clock.train_seconds >= limit_seconds

        runner = EpochRunner(fitter, batches, clock, watch, stages=1)
        weights, place = fitter.loss_weights(prepared.split.train), fitter.state.position
        while place.epoch <= batches.length.epochs and not over():
            runner.run(weights, over)
            fitter.state.sums = EpochSums()
            clock.epoch_seconds = 0.0
            place.epoch, place.step = place.epoch + 1, 0
    return fitter
