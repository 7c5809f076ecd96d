"""What the ranks of a training agree on after a step, so that all of them do the same next."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cnnlab.ranks import World
from cnnlab.training.signals import StopRequest
from cnnlab.training.state import Clock

__all__ = ["Council"]


class Council:
    """Puts together what each rank knows: losses, right answers, its clock, a request to stop.

    To its training it stands for the :class:`StopRequest` of all: the loop asks it instead.
    """

    def __init__(self, ranks: World, stop: StopRequest) -> None:
        self._ranks, self._stop = ranks, stop
        self._signal = 0

    @property
    def asked(self) -> bool:
        """Whether to stop, as all ranks knew when they last agreed."""
        return self._signal > 0

    @property
    def exit_code(self) -> int:
        """130 after INT, 143 after TERM or a file."""
        return 128 + self._signal

    def asked_now(self, clock: Clock) -> bool:
        """Whether to stop, as the ranks know by now."""
        self._stop.asked_now()
        self.agree(clock, [])
        return self.asked

    def agree(self, clock: Clock, steps: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
        """Put together what the ranks say of steps that all have taken.

        ``steps`` are this rank's loss and right answers of each; returned are the mean of the
        losses and the sum of the right answers over the ranks, added in their order in double
        precision. ``clock`` becomes the slowest one's.
        """
        signal = (self._stop.signal or 0) if self._stop.asked else 0
        own = [signal, clock.train_seconds, clock.epoch_seconds]
        for loss, right in steps:
            own += [loss, right]
        said = self._ranks.gather(torch.tensor(own, dtype=torch.float64))
        signal, clock.train_seconds, clock.epoch_seconds = said[:, :3].amax(0).tolist()
        self._signal = int(signal)
        losses, counts = said[:, 3::2].mean(0).tolist(), said[:, 4::2].sum(0).tolist()
        return [(loss, int(count)) for loss, count in zip(losses, counts, strict=True)]
