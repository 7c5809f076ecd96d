"""The largest training that fits a time: measured on this machine, then written down as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.data import open_dataset, settled_source
from cnnlab.data.dataset import Dataset
from cnnlab.data.source import Say
from cnnlab.device import choose_device, choose_precision, choose_threads
from cnnlab.errors import DataError
from cnnlab.models import Architecture, load_architecture
from cnnlab.training.speed import measure_images_per_second
from cnnlab.workflows.configure import configure

__all__ = ["RUNGS", "Rung", "plan_within"]


@dataclass(frozen=True)
class Rung:
    """A network and how many images it sees; each rung costs more than the one before.

    Attributes
    ----------
    widths: of fastnet's blocks.
    images: training images seen in all; epochs follow from the size of the training split.
    """

    widths: tuple[int, ...]
    images: int


#: docs/results/log.md says what was measured; the two ends are extrapolated.
RUNGS = (
    Rung((8, 32, 64), 10_000),
    Rung((16, 32, 64), 20_000),
    Rung((16, 48, 96), 40_000),
    Rung((24, 64, 192), 40_000),
    Rung((24, 64, 192), 80_000),
    Rung((24, 64, 192), 160_000),
    Rung((32, 128, 256), 160_000),
    Rung((48, 192, 256), 240_000),
    Rung((64, 256, 256), 320_000),
    Rung((64, 256, 256), 640_000),
)

#: A busier moment takes its share of the budget.
_SHARE_FOR_TRAINING = 0.9
_MOST_EPOCHS = 60
_FEWEST_IMAGES = 6

#: A rung of middle size, from which the others are projected at first.
_FIRST_MEASURED = 3

#: Mirror images are the same class in photographs and clothes, not in digits or letters.
_FLIPPED = ("cifar10", "cifar10-jpeg", "fashion-mnist")


def _settings(rung: Rung, source: str, train_images: int, seed: int, device: str) -> dict[str, Any]:
    epochs = min(max(round(rung.images / train_images), 1), _MOST_EPOCHS)
    flipped = source in _FLIPPED
    return {
        "seed": seed,
        "device": device,
        "mirror": flipped,
        "data": {"source": source},
        "model": {
            "name": "fastnet",
            "params": {"widths": list(rung.widths), "depths": [1, 2, 2]},
        },
        "training": {
            "epochs": epochs,
            "augment": {"flip": "alternating" if flipped else "none", "translate": 2},
        },
    }


def _architecture(config: RunConfig, dataset: Dataset) -> Architecture:
    return load_architecture(
        config.model.name,
        input_shape=dataset.image_shape,
        classes=len(dataset.class_names),
        params=config.model.params,
    )


class _Planner:
    """Projects the time of rungs from one measurement, corrected by a second."""

    def __init__(self, source: str, dataset: Dataset, seed: int, device: str) -> None:
        self.dataset, self.source, self.seed = dataset, source, seed
        self.device = choose_device(device).name
        self.precision = choose_precision("auto", self.device, choose_threads()[0]).name
        self.train_images = round(dataset.parts["train"] * 0.8)
        self._flops_per_second: float | None = None

    def config(self, rung: Rung) -> RunConfig:
        settings = _settings(rung, self.source, self.train_images, self.seed, self.device)
        return configure(settings={**settings, "precision": self.precision})

    def measured_seconds(self, rung: Rung) -> float:
        """Measure the rung's network here and project its training."""
        config = self.config(rung)
        architecture = _architecture(config, self.dataset)
        speed = measure_images_per_second(architecture, config)
        self._flops_per_second = speed * architecture.summary().flops
        return config.training.epochs * self.train_images / speed

    def projected_seconds(self, rung: Rung) -> float:
        """The same from the last measurement, by the networks' FLOPs."""
        config = self.config(rung)
        flops = _architecture(config, self.dataset).summary().flops
        seen = config.training.epochs * self.train_images
        return seen * flops / (self._flops_per_second or 1.0)

    def largest_within(self, limit_seconds: float) -> tuple[int, float]:
        """The index of the largest rung that fits, and its time; 0 where none does.

        FLOPs say less of a small network's time than of a large one's, so after each
        measurement the rungs are projected anew, up or down, until a choice is confirmed.
        """
        index = _FIRST_MEASURED
        tried: dict[int, float] = {}
        while index not in tried:
            tried[index] = self.measured_seconds(RUNGS[index])
            projected = {i: self.projected_seconds(rung) for i, rung in enumerate(RUNGS)}
            fits = [i for i, time in (projected | tried).items() if time <= limit_seconds]
            index = max(fits, default=0)
        return index, tried[index]


def plan_within(
    budget_seconds: float, source: str, *, seed: int, device: str, say: Say
) -> RunConfig:
    """Choose the largest rung whose training is projected to fit ``budget_seconds``.

    The smallest is taken where none fits, with a time limit so that it ends all the same.
    """
    name = settled_source(source)
    dataset = open_dataset(name, say=say)
    if len(dataset) < _FEWEST_IMAGES:
        raise DataError(
            f"{len(dataset)} images cannot be divided into training, validation and test",
            where=source,
            expected=f"at least {_FEWEST_IMAGES}",
        )
    planner = _Planner(name, dataset, seed, device)
    index, seconds = planner.largest_within(budget_seconds * _SHARE_FOR_TRAINING)
    rung, config = RUNGS[index], planner.config(RUNGS[index])
    widths = "-".join(map(str, rung.widths))
    say(
        f"plan: fastnet {widths}, {config.training.epochs} epochs, about {seconds:.0f} s by a "
        f"measurement here (budget {budget_seconds:.0f} s)"
    )
    return config.updated(training={"time_limit_seconds": budget_seconds})
