"""What the checks look at, what they say, and their register."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.config import RunConfig
from cnnlab.data.dataset import Dataset
from cnnlab.data.split import Split
from cnnlab.models import Architecture
from cnnlab.registry import Registry
from cnnlab.training.stages import plan_stages

__all__ = ["CHECKS", "Check", "Remark", "Subject", "subject_of"]


@dataclass(frozen=True)
class Remark:
    """A remark's name, and one sentence: what is seen, what of it, what one may do."""

    name: str
    text: str


@dataclass(frozen=True, eq=False)
class Subject:
    """A training that is about to begin.

    Attributes
    ----------
    stage_images: training images of each stage.
    class_counts: training images of each class, over all stages.
    class_names: in the order of the labels.
    watched_images: the images that each stage is watched on.
    frozen: layers that do not learn.
    """

    config: RunConfig
    architecture: Architecture
    stage_images: tuple[int, ...]
    class_counts: NDArray[np.int64]
    class_names: tuple[str, ...]
    watched_images: int
    frozen: Collection[str] = ()


#: From a subject to a sentence, or None.
Check = Callable[[Subject], str | None]

#: Every check by its name.
CHECKS: Registry[Check] = Registry("check")


def subject_of(
    config: RunConfig,
    architecture: Architecture,
    dataset: Dataset,
    split: Split,
    *,
    frozen: Collection[str] = (),
) -> Subject:
    """Put together what the checks look at; the images themselves are not read."""
    stages = plan_stages(split.train, config.training)
    rows = np.concatenate([stage.train for stage in stages])
    labels = np.asarray(dataset.labels)[rows]
    return Subject(
        config=config,
        architecture=architecture,
        stage_images=tuple(len(stage.train) for stage in stages),
        class_counts=np.bincount(labels, minlength=len(dataset.class_names)),
        class_names=tuple(dataset.class_names),
        watched_images=min(len(stage.inner) or len(split.validation) for stage in stages),
        frozen=frozen,
    )
