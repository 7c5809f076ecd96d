"""The six experiments of the student's report: which there are, and the configuration of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.data import open_dataset, option_names, settled_source
from cnnlab.data.source import Say
from cnnlab.errors import ConfigError, RunError, UnknownNameError
from cnnlab.models import load_model_file, report_figures
from cnnlab.registry import suggestion
from cnnlab.runs import Run
from cnnlab.settings import changed_keys, merge, value_at, with_overrides
from cnnlab.workflows.configure import configure

__all__ = ["Experiment", "Plan", "check_images", "check_same_experiment", "parse_experiments"]

_PREFIX = "model-"
#: Settings that do not move a run's weights.
_FREE = frozenset({"name", "training.checkpoint_every_seconds", "training.time_limit_seconds"})
#: Those that a run resolves for itself where they are left open, beside all that are "auto".
_LEFT_OPEN = frozenset({"threads", "data.stratify"})


@dataclass(frozen=True)
class Experiment:
    """One of the report's models; ``batch_size`` None stands for the report's own."""

    letter: str
    batch_size: int | None = None

    @property
    def model(self) -> str:
        """Its name in the zoo."""
        return f"{_PREFIX}{self.letter}"

    @property
    def title(self) -> str:
        """What people read: "model A", "model A (batches of 32)"."""
        batches = "" if self.batch_size is None else f" (batches of {self.batch_size})"
        return f"model {self.letter.upper()}{batches}"

    @property
    def uses_fashion_mnist(self) -> bool:
        """Whether the report trained it on Fashion-MNIST."""
        return str(report_figures()["models"][self.model]["dataset"]) == "fashion-mnist"


def parse_experiments(names: Sequence[str]) -> list[Experiment]:
    """Read letters, each with ``@BATCH_SIZE`` behind it where another than the report's is wanted.

    ``["a", "a@32"]`` is model A twice: with the report's batches of 1 and with batches of 32.
    Raises :class:`UnknownNameError` and :class:`ConfigError`; what is named twice counts once.
    """
    letters = sorted(name.removeprefix(_PREFIX) for name in report_figures()["models"])
    experiments = []
    for name in names:
        letter, at, batch_size = name.strip().lower().removeprefix(_PREFIX).partition("@")
        if letter not in letters:
            raise UnknownNameError(
                f"the report has no model '{name}'", todo=suggestion(letter, letters)
            )
        if at and not (batch_size.isascii() and batch_size.isdigit() and int(batch_size)):
            raise ConfigError(
                f"'{batch_size}' is no batch size",
                where=f"--models {name}",
                expected=f"a count of images, e.g. {letter}@32",
            )
        experiments.append(Experiment(letter, int(batch_size) if at else None))
    if not experiments:
        raise ConfigError("no model is named", where="--models", expected=", ".join(letters))
    return list(dict.fromkeys(experiments))


@dataclass(frozen=True)
class Plan:
    """How all experiments of one reproduction are to be trained.

    Attributes
    ----------
    data, fashion: sources that stand for CIFAR-10 and Fashion-MNIST.
    scale: the share of the report's images to take, more than 0 and at most 1.
    seed, device: as in every configuration.
    overrides: further settings, as ``--set`` takes them.
    """

    data: str
    fashion: str
    scale: float = 1.0
    seed: int = 0
    device: str = "auto"
    overrides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.scale <= 1:
            raise ConfigError(
                f"a share of {self.scale:g}", where="--scale", expected="more than 0, at most 1"
            )

    def run_name(self, experiment: Experiment) -> str:
        """The run directory's name; other scales and seeds have other names."""
        batches = [] if experiment.batch_size is None else [f"batch-{experiment.batch_size}"]
        return "-".join(["reproduce", experiment.letter, *batches, *self._marks])

    @property
    def folder_name(self) -> str:
        """The name of the document's folder, beside the runs."""
        return "-".join(["reproduction", *self._marks])

    @property
    def _marks(self) -> list[str]:
        scale = [] if self.scale == 1 else [f"x{self.scale:g}"]
        return scale + ([f"seed-{self.seed}"] if self.seed else [])

    def source_of(self, experiment: Experiment) -> str:
        """The images that an experiment trains on."""
        return self.fashion if experiment.uses_fashion_mnist else self.data

    def config_of(self, experiment: Experiment) -> RunConfig:
        """The experiment's configuration: the model's own file, sizes as in the report."""
        settings: dict[str, Any] = {
            "name": self.run_name(experiment),
            "seed": self.seed,
            "device": self.device,
            "model": {"name": experiment.model},
            "data": {"source": self.source_of(experiment), **self._sizes(experiment)},
            "training": self._training(experiment),
        }
        asked = with_overrides({}, self.overrides)
        return configure(settings=merge(settings, asked))

    def _scaled(self, images: int) -> int:
        return max(1, round(images * self.scale))

    def _training(self, experiment: Experiment) -> dict[str, int]:
        batch_size = experiment.batch_size
        settings = {} if batch_size is None else {"batch_size": batch_size}
        own = load_model_file(experiment.model).training
        return settings | (
            {"stage_size": self._scaled(own["stage_size"])} if "stage_size" in own else {}
        )

    def _sizes(self, experiment: Experiment) -> dict[str, int]:
        """Images to train on, to validate and to test, as the report divided them."""
        split: Mapping[str, int] = report_figures()["split"]
        own = load_model_file(experiment.model).training
        train = self._scaled(split["train"])
        if own["mode"] == "sequential":
            train = own["stages"] * self._scaled(own["stage_size"])
        return {
            "train": train,
            "validation": self._scaled(split["validation"]),
            "test": self._scaled(split["test"]),
        }


def check_images(config: RunConfig, scale: float, say: Say) -> None:
    """Bring the images here, decoded; :class:`ConfigError` where there are too few of them."""
    source, data = config.data.source, config.data
    parts = open_dataset(source, options=data.read_options(), say=say).parts
    sizes = {"train": data.train, "validation": data.validation, "test": data.test}
    counts = {part: size for part, size in sizes.items() if isinstance(size, int)}
    # A part that the source itself defines is taken from there, all others from "train".
    of_train = [part for part in counts if part == "train" or not parts.get(part)]
    needed = {"train": sum(counts[part] for part in of_train)}
    needed |= {part: count for part, count in counts.items() if part not in of_train}
    fits = min((parts[part] / count for part, count in needed.items() if count), default=1.0)
    if fits < 1:
        raise ConfigError(
            f"{sum(parts.values()):,} images are too few",
            where=source,
            expected=", ".join(f"{count:,} for {part}" for part, count in needed.items()),
            todo=f"take less of them: --scale {_rounded_down(scale * fits)}",
        )


def _rounded_down(share: float) -> str:
    digits = 2 - math.floor(math.log10(share))
    return f"{math.floor(share * 10**digits) / 10**digits:g}"


def check_same_experiment(run: Run, wanted: RunConfig) -> None:
    """:class:`RunError` where a run of the experiment's name was trained in another way."""
    source = wanted.data.source
    asked = wanted.updated(data={"source": settled_source(source)}).to_dict()
    left_open = _LEFT_OPEN | {f"data.{name}" for name in option_names(source)}
    changed = [
        key
        for key in changed_keys(run.typed_config().to_dict(), asked)
        if key not in _FREE
        and (asked_for := value_at(asked, key)) != "auto"
        and not (asked_for is None and key in left_open)
    ]
    if changed:
        raise RunError(
            f"it is another experiment: {', '.join(changed)} differ",
            where=run.path,
            todo="choose another folder with --runs, or remove the run",
        )
