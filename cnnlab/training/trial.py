"""A training of which a few steps are tried and nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from cnnlab.config import RunConfig
from cnnlab.data.dataset import Dataset
from cnnlab.data.split import Split
from cnnlab.inference import Preprocessing
from cnnlab.models import Architecture
from cnnlab.runs import Run
from cnnlab.training.batches import Batches
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.fitter import Fitter
from cnnlab.training.forecast import forecast
from cnnlab.training.prepare import Prepared, decide
from cnnlab.training.resizing import Size
from cnnlab.training.room import check_room, look_around
from cnnlab.training.stages import Length, plan_stages
from cnnlab.training.transplant import frozen_layers

__all__ = ["TrialFitter", "prepare_noise", "prepare_trial", "try_steps"]

#: A directory that is not there.
_NO_RUN = Run(Path(tempfile.gettempdir(), "cnnlab-trial"))

#: Batches of noise: enough that none is still in the processor's cache when it comes again.
_NOISE_BATCHES = 8


class TrialFitter(Fitter):
    """Takes steps at the optimizer's own rate: how many there will be is not known."""

    def set_learning_rate(self, _length: Length) -> None:
        """Leave every group's rate as it is."""


def prepare_trial(config: RunConfig, runs: Path, watch: Watcher) -> Prepared:
    """Decide everything as :func:`cnnlab.training.prepare.prepare_new_run` does; write nothing.

    The result's ``run`` is a directory that is not there. Raises as that does; of the machine's
    room only memory is asked about, for nothing goes to the disk.
    """
    decided = decide(config, runs, watch)
    config, start = decided.config, decided.start
    frozen = frozen_layers(start.architecture, config.init.freeze) if config.init else ()
    expected = forecast(start.architecture, config, decided.split, frozen=frozen)
    room = look_around(runs, config.device)
    _, *warnings = check_room(expected, room, runs, present_bytes=expected.disk_peak_bytes)
    for line in warnings:
        watch(Notice(line))
    return Prepared(
        _NO_RUN,
        config,
        decided.dataset,
        decided.split,
        start.architecture,
        start.preprocessing,
        start.transplant,
    )


def prepare_noise(architecture: Architecture, config: RunConfig) -> Prepared:
    """A trial on images drawn at random, for a network whose speed alone is asked about.

    ``config`` must be resolved (device, precision, threads); nothing is read or written.
    """
    count, shape = _NOISE_BATCHES * config.training.batch_size, architecture.input_shape
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, *shape), dtype=np.uint8)
    labels = generator.integers(0, architecture.classes, count)
    names = tuple(map(str, range(architecture.classes)))
    dataset = Dataset("noise", images, labels, names, {"train": count}, fingerprint="")
    nothing = np.empty(0, dtype=np.int64)
    return Prepared(
        _NO_RUN,
        config,
        dataset,
        Split(np.arange(count), nothing, nothing),
        architecture,
        Preprocessing((0.5,) * shape[2], (0.25,) * shape[2], shape[:2]),
    )


def try_steps(fitter: Fitter, most: int, *, size: Size | None = None) -> Iterator[torch.Tensor]:
    """Take up to ``most`` steps of a training's first stage and yield each one's loss.

    They go on over as many epochs as that takes, whatever the training's own length, with images
    of one size: whole where none is given.
    """
    prepared, place = fitter.prepared, fitter.state.position
    rows = plan_stages(prepared.split.train, prepared.config.training)[0].train
    batches = Batches(
        prepared.dataset,
        rows,
        prepared.config.training.model_copy(
            update={"epochs": most, "steps": None, "progressive_resizing": []}
        ),
        prepared.preprocessing,
        seed=prepared.config.seed,
        device=fitter.device,
    )
    weights = fitter.loss_weights(rows)
    fitter.network.train()
    while place.total_steps < most:
        for images, labels in batches.epoch(place.stage, place.epoch, size=size):
            yield fitter.step(images, labels, length=batches.length, weights=weights)[0]
            if place.total_steps == most:
                return
        place.epoch, place.step = place.epoch + 1, 0
