"""Which rows each stage trains on and which it watches: a function of the split alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.config import TrainingConfig
from cnnlab.errors import ConfigError

__all__ = ["Length", "Stage", "plan_stages"]


@dataclass(frozen=True, eq=False)
class Stage:
    """One fit: the rows it trains on, and its inner validation (possibly empty)."""

    train: NDArray[np.int64]
    inner: NDArray[np.int64]


@dataclass(frozen=True)
class Length:
    """How long a stage is.

    Attributes
    ----------
    batches: batches of a whole epoch.
    steps: steps of the whole stage; the last epoch may end before its images are all seen.
    """

    batches: int
    steps: int

    @classmethod
    def of(cls, images: int, config: TrainingConfig) -> Length:
        """The length of a stage that trains on so many images."""
        batches = -(-images // config.batch_size)
        steps = config.epochs * batches
        return cls(batches, steps if config.steps is None else min(steps, config.steps))

    @property
    def epochs(self) -> int:
        """Epochs that are begun."""
        return -(-self.steps // self.batches)

    def steps_of(self, epoch: int) -> int:
        """Steps of an epoch, counted from 1."""
        return min(self.batches, self.steps - (epoch - 1) * self.batches)


def plan_stages(train: NDArray[np.int64], config: TrainingConfig) -> list[Stage]:
    """Cut the training rows into stages; each holds out its last ``inner_validation`` share.

    Sequential training takes whole chunks of ``stage_size`` in the drawn order, ``stages`` of
    them at most; where there are fewer images than one chunk, one stage takes them all. Raises
    :class:`ConfigError` where a stage would have nothing to train on.
    """
    chunks = [train]
    if config.mode == "sequential":
        possible = max(len(train) // config.stage_size, 1)
        ends = range(1, min(config.stages or possible, possible) + 1)
        chunks = [train[(end - 1) * config.stage_size : end * config.stage_size] for end in ends]
    plan = []
    for chunk in chunks:
        # Keras's validation_split: the first floor(n * (1 - share)) train, the rest is held out.
        kept = int(len(chunk) * (1 - config.inner_validation))
        if kept == 0:
            raise ConfigError(
                "no image is left to train on", where="training.inner_validation", expected="less"
            )
        plan.append(Stage(train=chunk[:kept], inner=chunk[kept:]))
    return plan
