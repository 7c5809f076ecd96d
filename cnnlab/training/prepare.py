"""From a configuration to a run directory in which everything is decided, before step one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cnnlab.config import DataConfig, RunConfig, TrainingConfig
from cnnlab.data import SOURCES, open_dataset, settled_options, settled_source
from cnnlab.data.dataset import Dataset
from cnnlab.data.split import Split, draw_split
from cnnlab.device import (
    choose_compile,
    choose_device,
    choose_precision,
    choose_threads,
    describe_machine,
)
from cnnlab.errors import ConfigError, DataError, DownloadError
from cnnlab.files import expanded
from cnnlab.inference import Preprocessing
from cnnlab.models import MODELS, Architecture
from cnnlab.models.layers import shape_text
from cnnlab.runs import Run, as_run_name, create_run
from cnnlab.runs.run import Record
from cnnlab.settings import dump_yaml
from cnnlab.training.base_run import BaseRun, check_agreement, open_base_run
from cnnlab.training.batches import check_named_weights
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.preflight import remarks_on, subject_of
from cnnlab.training.replica import check_ranks
from cnnlab.training.resizing import check_resizing
from cnnlab.training.room import foresee
from cnnlab.training.stages import Stage, plan_stages
from cnnlab.training.start_record import start_lines
from cnnlab.training.starting import Start, start_drawn, start_from
from cnnlab.training.transplant import Transplant, frozen_layers

__all__ = ["Decided", "Prepared", "decide", "prepare_new_run"]

#: Below so many images a random split may leave classes badly divided, so it is stratified.
_STRATIFY_BELOW = 20_000

#: It comes with scikit-learn.
_ALWAYS_HERE = "digits"


@dataclass(frozen=True, eq=False)
class Decided:
    """What a new training will be, before anything is written.

    Attributes
    ----------
    config: with everything spelled out that depends on the machine and the data.
    start: the network that it begins with.
    reasons: why device, precision, compiling and threads were chosen.
    """

    config: RunConfig
    dataset: Dataset
    split: Split
    start: Start
    reasons: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that the training loop works on."""

    run: Run
    config: RunConfig
    dataset: Dataset
    split: Split
    architecture: Architecture
    preprocessing: Preprocessing
    transplant: Transplant | None = None

    @property
    def frozen(self) -> tuple[str, ...]:
        """The layers that training leaves as they are."""
        init = self.config.init
        return frozen_layers(self.architecture, init.freeze) if init is not None else ()


def _read_dataset(config: RunConfig, base: BaseRun | None, watch: Watcher) -> Dataset:
    """Open the dataset that a configuration names, saying what a user should know of it."""
    data = config.data
    try:
        dataset = open_dataset(
            data.source, options=data.read_options(), say=lambda line: watch(Notice(line))
        )
    except ConfigError as error:
        if base is None:
            raise
        # The user did not choose the form: the run did.
        form = f"{shape_text(base.architecture.input_shape)}, as {base.run.path} takes them"
        raise ConfigError(
            error.what, where=error.where, expected=error.expected or form, todo=error.todo
        ) from None
    except (DataError, DownloadError) as error:
        if data.source not in SOURCES or SOURCES.get(data.source).find() is not None:
            raise
        todo = f"{error.todo}; or take images that need no download: --data {_ALWAYS_HERE}"
        raise type(error)(
            error.what, where=error.where, expected=error.expected, todo=todo
        ) from error
    if len(dataset.class_names) < 2:
        raise DataError(
            "has one class only", where=config.data.source, expected="at least two classes"
        )
    return dataset


def _resolve(config: RunConfig, dataset: Dataset) -> tuple[RunConfig, dict[str, Any]]:
    """Spell out what depends on the machine and the data; return it with the reasons."""
    device = choose_device(config.device)
    threads, threads_reason = choose_threads(config.threads)
    precision = choose_precision(config.precision, device.name)
    compiling = choose_compile(config.compile, device.name)
    stratify = config.data.stratify
    model = config.model.name
    resolved = config.updated(
        device=device.name,
        precision=precision.name,
        compile=compiling.name,
        threads=threads,
        data={
            **settled_options(config.data.source, config.data.options()),
            "stratify": len(dataset) < _STRATIFY_BELOW if stratify is None else stratify,
            "source": settled_source(config.data.source),
        },
        model={"name": model if model in MODELS else str(expanded(model).resolve())},
    )
    reasons = {
        "device": {"name": device.name, "reason": device.reason},
        "precision": {"name": precision.name, "reason": precision.reason},
        "compile": {"name": compiling.name, "reason": compiling.reason},
        "threads": threads,
        "threads_reason": threads_reason,
    }
    return resolved, reasons


def _dataset_facts(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "class_names": list(dataset.class_names),
        "image_shape": list(dataset.image_shape),
        "images": len(dataset),
        "parts": dict(dataset.parts),
        "origin": dataset.origin,
        "notes": list(dataset.notes),
    }


def _split_record(dataset: Dataset, split: Split, data: DataConfig) -> dict[str, Any]:
    return {
        "dataset": _dataset_facts(dataset),
        "seed": data.split_seed,
        "stratified": data.stratify,
        **{part: split.rows(part).tolist() for part in ("train", "validation", "test")},
    }


def _open_base(config: RunConfig, runs: Path, watch: Watcher) -> tuple[RunConfig, BaseRun | None]:
    """Open the run to start from, if one is named; its path and weights are then settled."""
    if config.init is None:
        return config, None
    base = open_base_run(config.init, runs)
    if base.run.status != "finished":
        watch(Notice(f"{base.run.path} is {base.run.status}: its best weights so far are taken"))
    check_agreement(config, base)
    # Called for its errors: a wrong name is said before any image is read.
    frozen_layers(base.architecture, base.init.freeze)
    return config.updated(init=base.init.model_dump()), base


def _draw_split(config: RunConfig, dataset: Dataset) -> Split:
    """Draw the split, and check that every stage has images to train on and to watch."""
    data = config.data
    split = draw_split(dataset, data.sizes(), seed=data.split_seed, stratify=bool(data.stratify))
    _check_watched(plan_stages(split.train, config.training), split, config.training)
    return split


def _check_watched(stages: list[Stage], split: Split, training: TrainingConfig) -> None:
    """Early stopping needs images to watch."""
    watched = len(split.validation) or all(len(stage.inner) for stage in stages)
    if training.early_stopping is not None and not watched:
        raise ConfigError(
            "there is no validation image to watch",
            where="training.early_stopping",
            todo="set data.validation or training.inner_validation, or early_stopping=null",
        )


def decide(config: RunConfig, runs: Path, watch: Watcher) -> Decided:
    """Open the images, draw the split, settle the network; nothing is written.

    ``runs`` is where the run to start from, if one is named, is looked for.
    """
    config, base = _open_base(config, runs, watch)
    dataset = _read_dataset(config, base, watch)
    check_named_weights(config.training.class_weights, dataset)
    config, reasons = _resolve(config, dataset)
    check_ranks(config)
    split = _draw_split(config, dataset)
    start = (
        start_drawn(config, dataset, split)
        if base is None
        else start_from(base, config, dataset, split)
    )
    check_resizing(start.architecture, config.training.progressive_resizing)
    for line in start_lines(start.record) if start.record else ():
        watch(Notice(line))
    return Decided(config, dataset, split, start, reasons)


def prepare_new_run(
    config: RunConfig, runs: Path, watch: Watcher, *, group: Record | None = None
) -> Prepared:
    """Decide everything, check that it fits, and write the run directory's first files.

    Whatever cannot work (data, layers that do not fit, stages without images, too little disk or
    memory) is an error here, before anything is written.
    """
    decided = decide(config, runs, watch)
    config, reasons, start = decided.config, decided.reasons, decided.start
    dataset, split = decided.dataset, decided.split
    architecture, exact = start.architecture, config.name is not None
    stem = config.name or f"{architecture.name}-{dataset.name}".lower().replace(" ", "-")
    # A name belongs to one run; the configuration may be trained again.
    config = config.updated(name=None, model={"params": architecture.params})
    foreseen = foresee(architecture, config, split, runs, watch)
    run = create_run(
        runs,
        as_run_name(stem),
        {
            "config.yaml": config.to_yaml(),
            "environment.json": {
                "created": datetime.now().astimezone().isoformat(),
                **describe_machine(config.device),
                "choices": reasons,
            },
            "split.json": _split_record(dataset, split, config.data),
            "architecture.yaml": dump_yaml(architecture.to_dict()),
            "summary.txt": architecture.summary().to_text() + "\n",
            "preprocessing.json": start.preprocessing.to_dict(),
            "forecast.json": foreseen,
            "remarks.json": {"remarks": _remarks(decided, config, watch)},
            **({"init.json": start.record} if start.record else {}),
            **({"group.json": group} if group else {}),
        },
        exact=exact,
    )
    return Prepared(
        run, config, dataset, split, architecture, start.preprocessing, start.transplant
    )


def _remarks(decided: Decided, config: RunConfig, watch: Watcher) -> list[dict[str, str]]:
    """Say what is remarkable before the first step; it is kept in ``remarks.json``."""
    architecture = decided.start.architecture
    frozen = () if config.init is None else frozen_layers(architecture, config.init.freeze)
    remarks = remarks_on(
        subject_of(config, architecture, decided.dataset, decided.split, frozen=frozen)
    )
    for remark in remarks:
        watch(Notice(f"remark: {remark.text}"))
    return [asdict(remark) for remark in remarks]
