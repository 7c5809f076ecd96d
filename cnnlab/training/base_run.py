"""The run that training starts from, where it starts from one: opened and verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cnnlab.config import InitConfig, RunConfig
from cnnlab.errors import ConfigError, RunError
from cnnlab.files import sha256_of_file
from cnnlab.inference import Preprocessing, read_tensors
from cnnlab.models import Architecture, load_architecture
from cnnlab.runs import Run, command_line, open_run
from cnnlab.settings import changed_keys

__all__ = ["BaseRun", "check_agreement", "open_base_run"]


@dataclass(frozen=True, eq=False)
class BaseRun:
    """A trained run as another's start.

    Attributes
    ----------
    run: its directory.
    init: the settings that named it, its path and the SHA-256 of its weights' file settled.
    tensors: its chosen weights by name (``conv2d.weight``), on the CPU.
    architecture, preprocessing, class_names: what it takes and gives.
    """

    run: Run
    init: InitConfig
    tensors: dict[str, torch.Tensor]
    architecture: Architecture
    preprocessing: Preprocessing
    class_names: tuple[str, ...]


def open_base_run(init: InitConfig, runs: Path = Path("runs")) -> BaseRun:
    """Open the run that ``init`` names, by its directory or by its name in ``runs``.

    Raises :class:`RunError` where there is no such run, where it has no weights yet, and where
    its weights are damaged or are not those of ``init.weights_sha256``.
    """
    run = open_run(init.run, runs=runs)
    if not run.best_weights.exists():
        todo = "finish it first: " + command_line("train", "--resume", run.path)
        raise RunError("no weights to start from yet", where=run.path, todo=todo)
    tensors, digest = _read_weights(run.best_weights)
    if init.weights_sha256 not in (None, digest):
        raise RunError(
            f"the weights to start from have changed: their SHA-256 is {digest}",
            where=run.best_weights,
            expected=init.weights_sha256,
            todo="put the old ones back, or train a new run from these (init.weights_sha256=null)",
        )
    return BaseRun(
        run=run,
        init=init.model_copy(update={"run": str(run.path.resolve()), "weights_sha256": digest}),
        tensors=tensors,
        architecture=run.architecture(),
        preprocessing=Preprocessing.from_dict(run.preprocessing),
        class_names=tuple(run.class_names),
    )


def _read_weights(path: Path) -> tuple[dict[str, torch.Tensor], str]:
    """The network's tensors in a checkpoint, and the file's SHA-256."""
    try:
        digest = sha256_of_file(path)
        content, _ = read_tensors(path)
        # A run that is being trained may have replaced the file in between.
        unchanged = sha256_of_file(path) == digest
    except OSError as error:
        raise RunError(f"cannot be read: {error.strerror or error}", where=path) from error
    if not unchanged:
        raise RunError("changed while it was read", where=path, todo="try again")
    prefix = "model."
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in content.items()
        if name.startswith(prefix)
    }, digest


def check_agreement(config: RunConfig, base: BaseRun) -> None:
    """Raise :class:`ConfigError` where a setting asks for something that the base run is not.

    Its layers' weights are made for its architecture, and for images as it was shown them.
    """
    model, recorded = config.model, base.run.config["model"]
    left_out = recorded.get("without", [])  # older runs do not know the setting
    asked_for = (model.name, model.params, model.without)
    if asked_for != (recorded["name"], recorded["params"], left_out):
        asked = load_architecture(
            model.name,
            input_shape=base.architecture.input_shape,
            classes=base.architecture.classes,
            params=model.params,
            without=model.without,
        )
        if asked.steps != base.architecture.steps:
            other = model.name != recorded["name"]
            keys = () if other else changed_keys(recorded["params"], asked.params)
            value = _model_text(model.name, asked.params, keys)
            expected = _model_text(recorded["name"], recorded["params"], keys)
            raise _disagreement("model", value, base, expected)
    kind = base.run.config["normalization"]
    if config.normalization != kind:
        raise _disagreement("normalization", config.normalization, base, str(kind))
    height, width, channels = base.architecture.input_shape
    data = config.data
    if data.image_size not in (None, height) or (data.image_size and height != width):
        size = f"{data.image_size}x{data.image_size} pixels"
        raise _disagreement("data.image_size", size, base, f"{height}x{width}")
    if data.channels not in (None, channels):
        raise _disagreement("data.channels", f"{data.channels}", base, f"{channels}")


def _model_text(name: str, params: Mapping[str, Any], keys: Sequence[str]) -> str:
    said = ", ".join(f"{key}={params.get(key)}" for key in keys)
    return f"{name} with {said}" if said else name


def _disagreement(key: str, value: str, base: BaseRun, expected: str) -> ConfigError:
    return ConfigError(
        f"{value} does not fit the run that training starts from",
        where=key,
        expected=f"{expected}, as in {base.run.path}",
        todo="leave it out: it comes with the run",
    )
