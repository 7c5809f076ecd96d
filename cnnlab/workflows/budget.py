"""The largest training that fits a time: measured on this machine, then written down as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.data import open_dataset
from cnnlab.data.source import Say
from cnnlab.device import choose_compile, choose_device
from cnnlab.errors import DataError
from cnnlab.models import load_architecture
from cnnlab.settings import merge
from cnnlab.training.events import Notice, Watcher, unwatched
from cnnlab.training.pace import Pace, measure_pace
from cnnlab.training.prepare import Prepared
from cnnlab.training.resizing import SizeSchedule
from cnnlab.training.stages import Length, plan_stages
from cnnlab.training.trial import prepare_trial
from cnnlab.workflows.configure import asked_settings, configure

__all__ = ["RUNGS", "Rung", "configure_in_time", "fill_time", "network_for_time"]


@dataclass(frozen=True)
class Rung:
    """A network and how many images it must see to be worth its time; each costs more.

    Attributes
    ----------
    widths: of fastnet's blocks.
    images: training images seen in all.
    """

    widths: tuple[int, ...]
    images: int


#: docs/results/log.md says what was measured; the two ends are extrapolated.
RUNGS = (
    Rung((8, 32, 64), 10_000),
    Rung((16, 32, 64), 20_000),
    Rung((16, 48, 96), 40_000),
    Rung((24, 64, 192), 40_000),
    Rung((32, 64, 128), 80_000),
    Rung((32, 96, 192), 120_000),
    Rung((48, 128, 256), 130_000),
    Rung((64, 256, 256), 250_000),
)

_MOST_EPOCHS = 60
#: More than this no configuration may have.
_ALLOWED_EPOCHS = 100_000
_FEWEST_IMAGES = 6

#: A rung of middle size, from which the others are projected at first.
_FIRST_MEASURED = 3
_PROBE_SECONDS = 1.0

#: A longer measurement for the number of steps, which shall end within a twentieth of the time.
_PACE_SECONDS = 4.0
_LARGEST_SHARE_OF_TIME = 0.1

#: What is left of the time for a machine that slows down.
_MARGIN = 0.98
_STOP_AT = 1.05

#: In less time than this compiling would take a good part of it.
_COMPILED_FROM_SECONDS = 300.0

#: Shares of so many steps are as good as exact.
_STEPS_SHARED = 10_000

#: Mirror images are the same class in photographs and clothes, not in digits or letters.
_FLIPPED = ("cifar10", "cifar10-jpeg", "cifar100", "fashion-mnist")


def configure_in_time(
    *,
    recipe: str | None = None,
    file: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    runs: Path = Path("runs"),
    watch: Watcher,
) -> RunConfig:
    """Configure as :func:`cnnlab.workflows.configure.configure` does, and make use of a time limit.

    Where a limit is asked for and no number of epochs or steps, training gets as many steps as fit
    into it on this machine; where neither a recipe nor a model is named, a network to go with them,
    too. Where a number is asked for, it stays, and the limit is where training stops.
    """
    given = asked_settings(file=file, settings=settings, overrides=overrides)
    config = configure(
        recipe=recipe,
        file=file,
        settings=settings,
        overrides=overrides,
        labels=labels,
        runs=runs,
    )
    limit = config.training.time_limit_seconds
    if limit is None or {"epochs", "steps"} & set(given.get("training") or {}):
        return config
    chosen = recipe or (given.get("model") or {}).get("name") or config.init
    if not chosen:
        network = network_for_time(config, limit, runs=runs, watch=watch)
        config = configure(settings=merge(network, given), labels=labels, runs=runs)
    most_epochs = None if chosen else _MOST_EPOCHS
    return fill_time(config, limit, most_epochs=most_epochs, runs=runs, watch=watch)


def fill_time(
    config: RunConfig,
    limit_seconds: float,
    *,
    most_epochs: int | None = None,
    runs: Path = Path("runs"),
    watch: Watcher = unwatched,
) -> RunConfig:
    """Give a training as many steps as fit into a time, by a short probe on this machine.

    The schedule ends with them. A limit a twentieth above stops a machine that has become slower.
    Every stage of a sequential training gets the same number. Where it is left open, the network
    is compiled for a longer time only. Raises what ``train`` raises before its first step.
    """
    if _too_short_to_compile(config, limit_seconds):
        watch(Notice("plan: not compiled, for the time is short"))
        config = config.updated(compile="off")
    prepared = prepare_trial(config, runs, watch)
    pace = _mean_pace(prepared, min(_PACE_SECONDS, _LARGEST_SHARE_OF_TIME * limit_seconds))
    step_seconds = pace.step_seconds
    stages = plan_stages(prepared.split.train, config.training)
    batches = max(Length.of(len(stage.train), config.training).batches for stage in stages)
    compiling = pace.start_seconds if prepared.config.compile == "on" else 0.0
    left = max(limit_seconds * _MARGIN - compiling, 0.0)
    steps = max(int(left / step_seconds / len(stages)), 1)
    steps = min(steps, (most_epochs or _ALLOWED_EPOCHS) * batches)
    epochs = -(-steps // batches)
    watch(Notice(_said(prepared, limit_seconds, steps, batches, step_seconds, len(stages))))
    return config.updated(
        training={
            "epochs": epochs,
            "steps": steps,
            "time_limit_seconds": limit_seconds * _STOP_AT,
        }
    )


def _too_short_to_compile(config: RunConfig, limit_seconds: float) -> bool:
    """Whether nobody has decided to compile, this machine would, and there is no time for it."""
    if config.compile != "auto" or limit_seconds >= _COMPILED_FROM_SECONDS:
        return False
    return choose_compile("auto", choose_device(config.device).name).name == "on"


def _mean_pace(prepared: Prepared, probe_seconds: float) -> Pace:
    """A step's time, the mean over the sizes that images have in the course of training.

    Each size has its own start.
    """
    parts = prepared.config.training.progressive_resizing
    full = prepared.preprocessing.image_size
    shares = SizeSchedule(parts, full=full, steps=_STEPS_SHARED).shares()
    seconds = probe_seconds / len(shares)
    paces = [measure_pace(prepared, seconds=seconds, size=size) for size, _ in shares]
    return Pace(
        step_seconds=sum(
            share * pace.step_seconds for pace, (_, share) in zip(paces, shares, strict=True)
        ),
        steps=sum(pace.steps for pace in paces),
        start_seconds=sum(pace.start_seconds for pace in paces),
    )


def _said(
    prepared: Prepared, limit: float, steps: int, batches: int, step_seconds: float, stages: int
) -> str:
    rate = prepared.config.training.batch_size / step_seconds
    each = f" in each of {stages} stages" if stages > 1 else ""
    return (
        f"plan: {steps:,} steps{each} ({steps / batches:.2f} epochs), about "
        f"{steps * stages * step_seconds:.0f} s at {rate:,.0f} images/s as measured here "
        f"(limit {limit:.0f} s)"
    )


def network_for_time(
    config: RunConfig, limit_seconds: float, *, runs: Path = Path("runs"), watch: Watcher
) -> dict[str, Any]:
    """The settings of the largest network that a time is worth, by measurements of this machine.

    ``config`` says which images, device and seed. The smallest network is taken where none fits.
    """

    def say(line: str) -> None:
        watch(Notice(line))

    planner = _Planner(config, runs, say)
    rung = RUNGS[planner.largest_within(limit_seconds)]
    say(f"plan: fastnet {'-'.join(map(str, rung.widths))}")
    return planner.settings(rung)


class _Planner:
    """Projects the time of rungs from one measurement, corrected by a second."""

    def __init__(self, config: RunConfig, runs: Path, say: Say) -> None:
        self._config, self._runs = config, runs
        data = config.data
        self._dataset = open_dataset(data.source, options=data.read_options(), say=say)
        if len(self._dataset) < _FEWEST_IMAGES:
            raise DataError(
                f"{len(self._dataset)} images cannot be divided into training, validation and test",
                where=data.source,
                expected=f"at least {_FEWEST_IMAGES}",
            )

    def settings(self, rung: Rung) -> dict[str, Any]:
        """How the rung's network is trained on these images."""
        flipped = self._config.data.source in _FLIPPED
        return {
            "mirror": flipped,
            "model": {
                "name": "fastnet",
                "params": {"widths": list(rung.widths), "depths": [1, 2, 2]},
            },
            "training": {"augment": {"flip": "alternating" if flipped else "none", "translate": 2}},
        }

    def _measured_rate(self, rung: Rung) -> float:
        """Training images a second of the rung's network, here and now."""
        asked = {
            "seed": self._config.seed,
            "device": self._config.device,
            "precision": self._config.precision,
            "compile": "off",  # a probe is over sooner than a compiler is
            "threads": self._config.threads,
            "data": self._config.data.model_dump(),
        }
        config = configure(settings=merge(asked, self.settings(rung)))
        prepared = prepare_trial(config, self._runs, unwatched)
        return (
            config.training.batch_size / measure_pace(prepared, seconds=_PROBE_SECONDS).step_seconds
        )

    def _flops(self, rung: Rung) -> int:
        return (
            load_architecture(
                "fastnet",
                input_shape=self._dataset.image_shape,
                classes=len(self._dataset.class_names),
                params=self.settings(rung)["model"]["params"],
            )
            .summary()
            .flops
        )

    def largest_within(self, limit_seconds: float) -> int:
        """The index of the largest rung that fits; 0 where none does.

        FLOPs say less of a small network's time than of a large one's, so after each
        measurement the rungs are projected anew, up or down, until a choice is confirmed.
        """
        index, tried = _FIRST_MEASURED, dict[int, float]()
        while index not in tried:
            rate = self._measured_rate(RUNGS[index])
            tried[index] = RUNGS[index].images / rate
            flops = self._flops(RUNGS[index]) * rate
            projected = {i: rung.images * self._flops(rung) / flops for i, rung in enumerate(RUNGS)}
            fits = [i for i, time in (projected | tried).items() if time <= limit_seconds]
            index = max(fits, default=0)
        return index
