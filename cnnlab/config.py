"""The configuration of a run: frozen, checked against the registries, every default spelled out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from cnnlab.config_errors import as_config_error
from cnnlab.config_layers import lay
from cnnlab.config_sections import (
    AugmentConfig,
    DataConfig,
    EarlyStoppingConfig,
    InitConfig,
    ModelConfig,
    OptimizerConfig,
    ResizingConfig,
    ScheduleConfig,
    Section,
    TrainingConfig,
)
from cnnlab.data import checked_options
from cnnlab.errors import InputError
from cnnlab.settings import dump_yaml, merge
from cnnlab.tables import ShownAsText

__all__ = [
    "SCHEMA",
    "AugmentConfig",
    "DataConfig",
    "EarlyStoppingConfig",
    "InitConfig",
    "ModelConfig",
    "OptimizerConfig",
    "ResizingConfig",
    "RunConfig",
    "ScheduleConfig",
    "TrainingConfig",
    "make_config",
    "make_data_config",
]

#: The version of the run directory's schema that this code writes.
SCHEMA: Final = 1

#: What errors call settings that came from no file in particular.
_ANYWHERE = "configuration"
_NAME = re.compile(r"[^\W_][\w.+-]{0,99}")


def _switch(value: object) -> object:
    """YAML reads a plain on or off as true or false."""
    return ("off", "on")[value] if isinstance(value, bool) else value


Compile = Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)]


class RunConfig(Section, ShownAsText):
    """Everything that decides what a run's weights, and so its answers, become.

    ``compile`` says whether torch compiles the network for its training steps: the first one takes
    long then, for the others to go faster. auto is decided by the device before training; a run
    whose own configuration does not say on or off is older than the setting, and not compiled.
    ``normalization`` unit scales pixels to 0..1, standard centres and scales them by the training
    images' mean and deviation. ``mirror`` averages the logits of each image and its mirror image
    wherever the network is used: slower, and right only where both are the same class.
    """

    schema_version: Literal[1] = SCHEMA
    name: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: Compile = "auto"
    threads: Annotated[int, Field(ge=1, le=4096)] | None = None
    normalization: Literal["unit", "standard"] = "standard"
    mirror: bool = False
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    init: InitConfig | None = None
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _consistent(self) -> RunConfig:
        name = self.name
        if name is not None and not (_NAME.fullmatch(name) and len(name.encode()) <= 200):
            raise ValueError(
                "name: expected letters, digits, '.', '_', '+' or '-', at most 100, "
                "the first a letter or digit"
            )
        training = self.training
        if training.class_weights == "balanced" and training.sampling == "balanced":
            raise ValueError(
                "training: class_weights and sampling both balance the classes; choose one"
            )
        if training.early_stopping is not None and training.watch_every > 1:
            raise ValueError("training: early_stopping needs watch_every to be 1")
        ends = [part.until for part in training.progressive_resizing]
        if ends != sorted(set(ends)):
            raise ValueError("training: each part of progressive_resizing needs a later 'until'")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Every key, as plain values."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """The text of ``config.yaml``: it can be trained again as it is."""
        return dump_yaml(self.to_dict())

    def to_text(self) -> str:
        """As :meth:`to_yaml`."""
        return self.to_yaml()

    def updated(self, **sections: Any) -> RunConfig:
        """A copy with other values, e.g. ``updated(device="cpu", data={"channels": 3})``."""
        return make_config([merge(self.to_dict(), sections)])


def make_config(
    layers: Sequence[Mapping[str, Any]],
    *,
    where: str = _ANYWHERE,
    labels: Mapping[str, str] | None = None,
) -> RunConfig:
    """Lay settings one on the other (see :func:`cnnlab.config_layers.lay`) and check the result.

    ``labels`` says what errors call a key, e.g. ``{"training.epochs": "--epochs"}``.
    Raises :class:`ConfigError` or ``UnknownNameError`` with key, value and allowed range.
    """
    config = _validated(lay(layers), where, labels or {})
    try:
        return _with_registered_options(config)
    except InputError as error:
        raise error if where == _ANYWHERE else error.within(where) from None


def make_data_config(
    settings: Mapping[str, Any],
    *,
    where: str = _ANYWHERE,
    labels: Mapping[str, str] | None = None,
) -> DataConfig:
    """Check the settings of the images alone, as :func:`make_config` does; torch stays away."""
    return _with_source_options(_validated({"data": settings}, where, labels or {}).data)


def _validated(settings: Mapping[str, Any], where: str, labels: Mapping[str, str]) -> RunConfig:
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise as_config_error(error, RunConfig, where, labels) from None


def _with_source_options(data: DataConfig) -> DataConfig:
    chosen = checked_options(data.source, data.options(), beside=DataConfig.model_fields)
    return DataConfig.model_validate({**data.model_dump(), **chosen})


def _with_registered_options(config: RunConfig) -> RunConfig:
    """Check names against the registries and write every option's default out.

    The model is checked where it is loaded: a run must open without the file of its model.
    """
    from cnnlab.optim import optimizer_options, schedule_options

    optimizer, schedule = config.optimizer, config.schedule
    filled = optimizer_options(optimizer.name, optimizer.options())
    shape = schedule_options(schedule.name, schedule.options())
    return config.model_copy(
        update={
            "data": _with_source_options(config.data),
            "optimizer": OptimizerConfig(
                name=optimizer.name,
                lr=optimizer.lr,
                weight_decay=optimizer.weight_decay,
                **filled,
            ),
            "schedule": ScheduleConfig(name=schedule.name, **shape),
        }
    )
