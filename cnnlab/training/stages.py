"""Which rows each stage trains on and which it watches: a function of the split alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.config import TrainingConfig
from cnnlab.errors import ConfigError

__all__ = ["Stage", "plan_stages"]


@dataclass(frozen=True, eq=False)
class Stage:
    """One fit: the rows it trains on, and its inner validation (possibly empty)."""

    train: NDArray[np.int64]
    inner: NDArray[np.int64]


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
