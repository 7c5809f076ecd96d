"""The steps of one epoch, from wherever its checkpoint left it."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from cnnlab.device import synchronize
from cnnlab.training.batches import Batches
from cnnlab.training.council import Council
from cnnlab.training.events import BatchDone, Watcher
from cnnlab.training.fitter import Fitter
from cnnlab.training.stages import Length
from cnnlab.training.state import Clock

__all__ = ["EpochRunner"]

#: On an accelerator losses are fetched every so many steps, for each fetch waits for it.
_FETCH_EVERY = 20


class EpochRunner:
    """Takes the steps of one epoch, from wherever the state stands in it.

    ``council`` is there where several ranks take them together.
    """

    def __init__(
        self,
        fitter: Fitter,
        batches: Batches,
        clock: Clock,
        watch: Watcher,
        *,
        stages: int,
        council: Council | None = None,
    ) -> None:
        self._fitter, self._batches, self._clock = fitter, batches, clock
        self._watch, self._stages, self._council = watch, stages, council
        self._pending: list[tuple[torch.Tensor, torch.Tensor, int]] = []

    def run(self, weights: torch.Tensor | None, pause: Callable[[], bool]) -> bool:
        """Run to the epoch's end; False where ``pause()`` said stop before it.

        ``pause`` is asked after every step whose loss is known: that is where the state is whole.
        """
        fitter = self._fitter
        place = fitter.state.position
        fitter.network.train()
        every = 1 if fitter.device.type == "cpu" else _FETCH_EVERY
        length = self._batches.length
        steps = length.steps_of(place.epoch)
        batches = self._batches.epoch(place.stage, place.epoch, first_step=place.step)
        start = time.perf_counter()
        for images, labels in batches:
            loss, correct = fitter.step(images, labels, length=length, weights=weights)
            self._pending.append((loss, correct, len(labels)))
            last = place.step == steps
            if last or place.step % every == 0:
                start = self._fetch(start)
                self._tell(length)
                if not last and pause():
                    return False
        return True

    def _fetch(self, start: float) -> float:
        """Take in the steps since the last time, which was at ``start``; return the time now."""
        synchronize(self._fitter.device)
        steps = [(float(loss), int(correct)) for loss, correct, _ in self._pending]
        now = time.perf_counter()
        self._clock.add(now - start)
        if self._council is not None:
            steps = self._council.agree(self._clock, steps)
        for (loss, correct), (_, _, count) in zip(steps, self._pending, strict=True):
            self._fitter.check_finite(loss)
            self._fitter.state.sums.add(loss, correct, count)
            self._fitter.state.images_done += count
        self._pending.clear()
        return now

    def _tell(self, length: Length) -> None:
        fitter = self._fitter
        place, sums = fitter.state.position, fitter.state.sums
        self._watch(
            BatchDone(
                stage=place.stage,
                stages=self._stages,
                epoch=place.epoch,
                epochs=length.epochs,
                step=place.step,
                steps=length.steps_of(place.epoch),
                loss=sums.loss / sums.seen,
                accuracy=sums.correct / sums.seen,
                images_per_second=sums.seen / max(self._clock.epoch_seconds, 1e-9),
            )
        )
