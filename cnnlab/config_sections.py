"""The parts of a run's configuration, each with its keys, their ranges and defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from cnnlab.data import ReadOptions
from cnnlab.data.split import SplitSizes

__all__ = [
    "AugmentConfig",
    "DataConfig",
    "EarlyStoppingConfig",
    "InitConfig",
    "ModelConfig",
    "OptimizerConfig",
    "ResizingConfig",
    "ScheduleConfig",
    "Section",
    "TrainingConfig",
]

Size = (
    Annotated[int, Field(ge=0, strict=True)]
    | Annotated[float, Field(ge=0, lt=1, strict=True)]
    | None
)

ClassWeight = Annotated[float, Field(gt=0, le=1_000_000)]


class Section(BaseModel):
    """Base of every part: frozen, no unknown key, no number that is not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        """True would pass for 1: ``epochs: yes`` is a mistake."""
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, bool) and field is not None and _is_number(field.annotation):
            raise PydanticCustomError("no_number", "true or false is no number")
        return value


def _is_number(annotation: Any) -> bool:
    """Whether a field takes numbers."""
    return annotation in (int, float) or any(map(_is_number, get_args(annotation)))


class OpenSection(Section):
    """A part that takes, beside its own keys, the options of what it names."""

    model_config = ConfigDict(extra="allow")

    def options(self) -> dict[str, Any]:
        """What stands beside the declared fields."""
        return dict(self.model_extra or {})


class DataConfig(OpenSection):
    """Which images, brought to which form, divided how.

    ``train``, ``validation`` and ``test`` are counts, shares of 1, or None for the default
    (see :class:`cnnlab.data.split.SplitSizes`); ``stratify`` None means: where there are fewer
    than 20,000 images. Beside these stand the options that the source declares.
    """

    source: str = "cifar10"
    image_size: Annotated[int, Field(ge=4, le=1024)] | None = None
    channels: Literal[1, 3, 4] | None = None
    train: Size = None
    validation: Size = None
    test: Size = None
    stratify: bool | None = None
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    def sizes(self) -> SplitSizes:
        """The three sizes as the split takes them."""
        return SplitSizes(train=self.train, validation=self.validation, test=self.test)

    def read_options(self) -> ReadOptions:
        """How the images are read, as :func:`cnnlab.data.open_dataset` takes it."""
        return ReadOptions(self.image_size, self.channels, self.options())


class ModelConfig(Section):
    """A zoo model, a builder or the path of a YAML file, and a builder's parameters.

    ``without`` leaves layers of a model's list out: types (``BatchNormalization``) or names.
    """

    name: str = "fastnet"
    params: dict[str, Any] = {}
    without: list[str] = []


class InitConfig(Section):
    """The run whose network training starts from, where it does not start from drawn weights.

    ``freeze`` says which layers stay as they are: none, features (all before the head, the layers
    whose size follows the number of classes), or a layer's name, which means that layer and all
    before it. ``head`` match takes the head's rows of the classes that have the same name in the
    run, new draws them all. ``weights_sha256``, of the run's ``best.safetensors``, is written down
    when training starts; where it is given, other weights are refused.
    """

    run: str
    freeze: str = "none"
    head: Literal["match", "new"] = "match"
    weights_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


class NamedOptions(OpenSection):
    """A registered name and that entry's own options beside it."""

    name: str


class OptimizerConfig(NamedOptions):
    """An optimizer; ``lr`` is the peak of the schedule, ``weight_decay`` is decoupled."""

    name: str = "adam"
    lr: Annotated[float, Field(gt=0, le=1000)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0


class ScheduleConfig(NamedOptions):
    """How the learning rate moves over all steps of a stage."""

    name: str = "constant"


class AugmentConfig(Section):
    """What is done to training images, each a function of (seed, epoch, row).

    ``flip``: none, random (each image, each epoch, by chance) or alternating (every image is
    seen mirrored in every other epoch; K. Jordan, "94% on CIFAR-10 in 3.29 seconds", 2024).
    ``translate``: shift by up to so many pixels each way, borders reflected. ``cutout``: side of
    a square set to the mean.
    """

    flip: Literal["none", "random", "alternating"] = "none"
    translate: Annotated[int, Field(ge=0, le=64)] = 0
    cutout: Annotated[int, Field(ge=0, le=512)] = 0


class EarlyStoppingConfig(Section):
    """Stop when the monitored figure has not improved for ``patience`` epochs."""

    patience: Annotated[int, Field(ge=1, le=10_000)] = 3
    monitor: Literal["loss", "accuracy"] = "loss"
    min_delta: Annotated[float, Field(ge=0)] = 0.0


class ResizingConfig(Section):
    """Training images at ``scale`` of their sides, ``until`` this share of a stage's steps."""

    scale: Annotated[float, Field(gt=0, lt=1)]
    until: Annotated[float, Field(gt=0, lt=1)]


class TrainingConfig(Section):
    """How the network is fitted.

    ``mode`` sequential trains on chunks of ``stage_size`` images one after the other (at most
    ``stages`` of them), each a stage of up to ``epochs`` epochs; full is one stage on
    everything. ``steps`` ends a stage after so many steps of the optimizer, within an epoch if
    need be, and the schedule is laid over them. ``inner_validation`` is the share of a stage's
    images (its last ones) that is held out and watched, as Keras's ``validation_split`` does;
    what is watched is measured every ``watch_every`` epochs and at a stage's end. ``weights``
    says what evaluation uses: those of the last stage's best epoch by the monitored figure, or
    the last ones; a stage always goes on from the last weights of the one before.
    ``progressive_resizing`` shows smaller images at first, which is faster: part by part, each
    until a later share of the stage's steps, and whole images from the last one on (J. Howard,
    "Training ImageNet in 18 minutes", 2018). ``class_weights`` multiplies the loss of each class:
    balanced gives all of them the same say, a mapping says a weight by the class's name, and 1
    where it says none.
    """

    mode: Literal["full", "sequential"] = "full"
    stage_size: Annotated[int, Field(ge=1)] = 10_000
    stages: Annotated[int, Field(ge=1, le=10_000)] | None = None
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 10
    steps: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 128
    inner_validation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    watch_every: Annotated[int, Field(ge=1, le=100_000)] = 1
    early_stopping: EarlyStoppingConfig | None = None
    keep_optimizer: bool = False
    weights: Literal["best", "last"] = "best"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    class_weights: Literal["none", "balanced"] | dict[str, ClassWeight] = "none"
    sampling: Literal["shuffle", "balanced"] = "shuffle"
    augment: AugmentConfig = AugmentConfig()
    progressive_resizing: list[ResizingConfig] = []
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    time_limit_seconds: Annotated[float, Field(gt=0)] | None = None
    checkpoint_every_seconds: Annotated[float, Field(gt=0)] = 60.0
