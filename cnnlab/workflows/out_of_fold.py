"""Every image predicted by a network that was not trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.config import DataConfig, RunConfig
from cnnlab.data.split import Split
from cnnlab.device import fold_seed
from cnnlab.errors import ConfigError
from cnnlab.inference import measure_preprocessing, predict_logits
from cnnlab.metrics import softmax
from cnnlab.training.events import Notice, Watcher, unwatched
from cnnlab.training.prepare import Prepared
from cnnlab.training.trial import prepare_trial
from cnnlab.training.unsaved import fit_unsaved
from cnnlab.workflows.budget import configure_in_time

__all__ = ["TrainingPlan", "configure_folds", "out_of_fold"]

#: Of the time; the rest is for measuring the machine's speed and for predicting every image.
_TRAINED_SHARE = 0.7
#: A machine that has become slower may take so much longer.
_STOP_AT = 1.1

_FEWEST_FOLDS, _MOST_FOLDS = 2, 20


@dataclass(frozen=True)
class TrainingPlan:
    """How the networks are trained that judge the labels.

    Attributes
    ----------
    folds: 2 to 20; as many networks are trained.
    time_limit_seconds: for all of them together.
    recipe: a recipe's name; None: the largest network that the time is worth.
    """

    folds: int = 4
    time_limit_seconds: float = 120.0
    recipe: str | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        if not _FEWEST_FOLDS <= self.folds <= _MOST_FOLDS:
            raise ConfigError(
                f"the value is {self.folds}",
                where="--folds",
                expected=f"a whole number from {_FEWEST_FOLDS} to {_MOST_FOLDS}",
            )

    def predict(
        self, data: DataConfig, folds: NDArray[np.int64], watch: Watcher
    ) -> NDArray[np.float32]:
        """Out-of-fold probabilities float32 ``[N, C]``."""
        config = configure_folds(
            data.model_dump(),
            folds=self.folds,
            limit_seconds=self.time_limit_seconds,
            recipe=self.recipe,
            seed=self.seed,
            device=self.device,
            watch=watch,
        )
        return out_of_fold(config, folds, watch)


def configure_folds(
    data: dict[str, Any],
    *,
    folds: int,
    limit_seconds: float,
    recipe: str | None = None,
    seed: int = 0,
    device: str = "auto",
    overrides: Sequence[str] = (),
    watch: Watcher = unwatched,
) -> RunConfig:
    """The training of one fold, so that all of them fit into the time on this machine.

    ``data`` and ``overrides`` say how the images are read; ``recipe`` names a network and how it
    is trained, otherwise the largest that the time is worth is taken.
    """
    return configure_in_time(
        recipe=recipe,
        settings={
            "seed": seed,
            "device": device,
            "data": data,
            "training": {"time_limit_seconds": limit_seconds * _TRAINED_SHARE / folds},
        },
        overrides=overrides,
        watch=watch,
    )


def out_of_fold(
    config: RunConfig, folds: NDArray[np.int64], watch: Watcher = unwatched
) -> NDArray[np.float32]:
    """Train once a fold on all other rows, and predict the fold's.

    The networks are kept by nobody: no run is written, and no test is opened by it, for there is
    nothing that test images could choose.

    Parameters
    ----------
    config: of one training; its split is not used.
    folds: int64 ``[N]``, the fold of each row of its dataset.

    Returns
    -------
    Probabilities float32 ``[N, C]``. Raises what training raises.
    """
    prepared = prepare_trial(config, Path("runs"), watch)
    count = int(folds.max()) + 1
    probabilities = np.empty((len(folds), len(prepared.dataset.class_names)), dtype=np.float32)
    limit = config.training.time_limit_seconds
    for fold in range(count):
        watch(Notice(f"fold {fold + 1} of {count}"))
        one = _without(prepared, np.flatnonzero(folds != fold), fold)
        stop = None if limit is None else limit * _STOP_AT
        network = fit_unsaved(one, watch, limit_seconds=stop).evaluated
        held = np.flatnonzero(folds == fold)
        logits = predict_logits(
            network,
            prepared.dataset.images,
            one.preprocessing,
            rows=held,
            precision=prepared.config.precision,
        )
        probabilities[held] = softmax(logits)
    return probabilities


def _without(prepared: Prepared, train: NDArray[np.int64], fold: int) -> Prepared:
    """The same training on these rows alone, in a drawn order; nothing is known of the others."""
    config, nothing = prepared.config, np.empty(0, dtype=np.int64)
    order = np.random.default_rng(fold_seed(config.seed, "fold", fold)).permutation(train)
    preprocessing = measure_preprocessing(
        prepared.dataset.images, train, config.normalization, mirror=config.mirror
    )
    return replace(prepared, split=Split(order, nothing, nothing), preprocessing=preprocessing)
