"""The learning curves of a run as the rules see them, with what shifts them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from cnnlab.config import RunConfig
from cnnlab.runs import Run
from cnnlab.training.stages import Length, Stage, plan_stages

__all__ = ["Answers", "Case", "Epoch", "StageCurve", "case_of", "stage_curve"]

#: An exponential average has forgotten all but 5% of the weights it began with after so many
#: times its memory of 1 / (1 - decay) steps.
_AVERAGE_SETTLED = 3.0


@dataclass(frozen=True)
class Epoch:
    """One epoch's figures; ``held_*`` are None where nothing was measured after it.

    ``train_*`` are running means over the epoch, in training mode: of augmented images, with
    dropout, the loss with label smoothing. They lag behind what ``held_*`` are of, the weights at
    the epoch's end. ``comparable`` is false where the two are of different things altogether:
    images were smaller in training, or an average of the weights still held those it began with.
    """

    number: int
    rate: float
    train_loss: float
    train_accuracy: float
    held_loss: float | None = None
    held_accuracy: float | None = None
    comparable: bool = True


@dataclass(frozen=True)
class StageCurve:
    """One stage: its epochs so far, how many there may be, and the images that each figure is of.

    ``held_images`` are those that are watched; they are the same ones in every epoch.
    """

    number: int
    epochs: tuple[Epoch, ...]
    most_epochs: int
    train_images: int
    held_images: int

    @property
    def watched(self) -> tuple[Epoch, ...]:
        """The comparable epochs after which held-out images were measured."""
        return tuple(
            epoch
            for epoch in self.epochs
            if epoch.comparable and epoch.held_loss is not None and epoch.held_accuracy is not None
        )

    @property
    def comparable(self) -> tuple[Epoch, ...]:
        """The epochs that show what the last ones show, only earlier."""
        return tuple(epoch for epoch in self.epochs if epoch.comparable)


@dataclass(frozen=True)
class Answers:
    """What the kept weights say of validation.

    ``top_share`` is the share of images that get the class said most often; ``majority`` that of
    the largest true class; ``entropy`` (nats) the loss of a network that knows no more than the
    true classes' shares.
    """

    top_share: float
    majority: float
    entropy: float


@dataclass(frozen=True)
class Case:
    """All that the rules look at.

    Attributes
    ----------
    config: the run's settings.
    classes: how many there are.
    side: the shorter side of the images, in pixels.
    stages: those that have finished an epoch, in order.
    held: what is watched: "validation", or "inner validation" (held out inside the fit).
    images: in training and validation together.
    own_validation: whether the source itself says which images validate.
    stopped_because: how training ended; None while it has not.
    failed: whether it broke down.
    answers: what was predicted for validation, where that was saved.
    """

    config: RunConfig
    classes: int
    side: int
    stages: tuple[StageCurve, ...]
    held: str = "validation"
    images: int = 0
    own_validation: bool = False
    stopped_because: str | None = "all epochs done"
    failed: bool = False
    answers: Answers | None = field(default=None)

    @property
    def chance_loss(self) -> float:
        """The loss (nats) of a network that knows the classes' shares and nothing else."""
        return self.answers.entropy if self.answers is not None else math.log(self.classes)

    @property
    def majority(self) -> float:
        """The accuracy of always saying the largest class."""
        return self.answers.majority if self.answers is not None else 1 / self.classes


def stage_curve(
    records: Sequence[dict[str, Any]], stage: Stage, config: RunConfig, *, validation_images: int
) -> StageCurve:
    """A stage's part of ``metrics.jsonl``."""
    training = config.training
    length = Length.of(len(stage.train), training)
    held = "inner" if len(stage.inner) else "validation"
    ends = [part.until for part in training.progressive_resizing]
    whole_from = ends[-1] * length.steps if ends else 0
    settled_from = round(_AVERAGE_SETTLED / (1 - training.ema)) if training.ema is not None else 0
    epochs = []
    for record in records:
        number = int(record["epoch"])
        begun, done = (number - 1) * length.batches, min(number * length.batches, length.steps)
        epochs.append(
            Epoch(
                number=number,
                rate=float(record.get("lr", config.optimizer.lr)),
                train_loss=float(record["train_loss"]),
                train_accuracy=float(record["train_accuracy"]),
                held_loss=record.get(f"{held}_loss"),
                held_accuracy=record.get(f"{held}_accuracy"),
                comparable=begun >= whole_from and done >= settled_from,
            )
        )
    return StageCurve(
        number=int(records[0]["stage"]),
        epochs=tuple(epochs),
        most_epochs=length.epochs,
        train_images=len(stage.train),
        held_images=len(stage.inner) or validation_images,
    )


def case_of(run: Run) -> Case:
    """Read a run directory; training may have ended or not, validation be evaluated or not.

    Raises :class:`RunError` where a file of it is damaged.
    """
    config, split = run.typed_config(), run.split
    plan = plan_stages(np.array(split["train"], dtype=np.int64), config.training)
    validation = len(split["validation"])
    groups = [
        (int(number), list(lines)) for number, lines in groupby(run.metrics, lambda r: r["stage"])
    ]
    stages = tuple(
        stage_curve(lines, plan[number - 1], config, validation_images=validation)
        for number, lines in groups
        if number <= len(plan)
    )
    result = run.result or {}
    dataset = split["dataset"]
    return Case(
        config=config,
        classes=len(run.class_names),
        side=min(dataset["image_shape"][:2]),
        stages=stages,
        held="inner validation" if len(plan[0].inner) else "validation",
        images=len(split["train"]) + validation,
        own_validation=bool(dict(dataset.get("parts", {})).get("validation")),
        stopped_because=result.get("stopped_because"),
        failed=result.get("status") == "failed",
        answers=_answers(run),
    )


def _answers(run: Run) -> Answers | None:
    predictions = run.predictions("validation")
    if predictions is None or not len(predictions.labels):
        return None
    said = np.bincount(predictions.classes)
    true = np.bincount(predictions.labels)
    shares = true[true > 0] / true.sum()
    return Answers(
        top_share=float(said.max() / said.sum()),
        majority=float(shares.max()),
        entropy=float(-(shares * np.log(shares)).sum()),
    )
