"""The network that training begins with: drawn anew, or another run's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.data.dataset import Dataset
from cnnlab.data.split import Split
from cnnlab.errors import ArchitectureError, ConfigError
from cnnlab.inference import Preprocessing, measure_preprocessing
from cnnlab.models import Architecture, load_architecture
from cnnlab.models.layers import shape_text
from cnnlab.training.base_run import BaseRun
from cnnlab.training.seen import count_seen
from cnnlab.training.start_record import start_record
from cnnlab.training.transplant import Transplant, for_classes, plan_transplant

__all__ = ["Start", "start_drawn", "start_from"]


@dataclass(frozen=True, eq=False)
class Start:
    """A network before its first step.

    Attributes
    ----------
    architecture, preprocessing: what it is and takes.
    transplant: the weights that it gets from another run; None where all are drawn.
    record: what ``init.json`` says of that.
    """

    architecture: Architecture
    preprocessing: Preprocessing
    transplant: Transplant | None = None
    record: dict[str, Any] | None = None


def start_drawn(config: RunConfig, dataset: Dataset, split: Split) -> Start:
    """Begin with drawn weights and the training images' own statistics.

    Raises :class:`ArchitectureError` for layers that do not fit, or have nothing to train.
    """
    architecture = load_architecture(
        config.model.name,
        input_shape=dataset.image_shape,
        classes=len(dataset.class_names),
        params=config.model.params,
        without=config.model.without,
    )
    if not any(step.trainable_params for step in architecture.steps):
        raise ArchitectureError(
            "it has no weights to train",
            where=architecture.source,
            todo="end it with a layer that has, e.g. {type: Dense, units: classes}",
        )
    preprocessing = measure_preprocessing(
        dataset.images, split.train, config.normalization, mirror=config.mirror
    )
    return Start(architecture, preprocessing)


def start_from(base: BaseRun, config: RunConfig, dataset: Dataset, split: Split) -> Start:
    """Begin with a run's network, which sees images as it was shown them in its own training.

    Raises :class:`ConfigError` for images of another form and for images that were trained on,
    and as :func:`plan_transplant` and :func:`frozen_layers` do.
    """
    if dataset.image_shape != base.architecture.input_shape:
        raise ConfigError(
            f"{dataset.name} has images of {shape_text(dataset.image_shape)}",
            where="data",
            expected=f"{shape_text(base.architecture.input_shape)}, as {base.run.path} takes them",
            todo="start from a run of such images, or give a folder of image files",
        )
    architecture = for_classes(base.architecture, len(dataset.class_names))
    transplant = plan_transplant(base, architecture, dataset.class_names)
    seen = count_seen(base.run, dataset, split)
    record = start_record(base, transplant, architecture, dataset.class_names, seen)
    preprocessing = replace(base.preprocessing, mirror=config.mirror)
    return Start(architecture, preprocessing, transplant, record)
