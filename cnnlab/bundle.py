"""A bundle: a trained network with everything that using it needs, in one file.

A ``.safetensors`` file that holds the weights; as JSON in its header the architecture, the
preprocessing, the names of the classes, the temperature and where it came from; and a SHA-256
over each of the two. There is no pickle in it and no code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from cnnlab.data.images import decode_image
from cnnlab.device import choose_device, choose_threads, set_up_torch
from cnnlab.errors import CnnlabError, RunError
from cnnlab.evaluation.temperature import temperature_of
from cnnlab.inference import Preprocessing, network_with, predict_logits, read_tensors, read_weights
from cnnlab.metrics import at_temperature
from cnnlab.models import Architecture
from cnnlab.runs import Run, command_line, open_run
from cnnlab.tables import ShownAsText, printable
from cnnlab.training.checkpoint import save_tensors

__all__ = ["BUNDLE_VERSION", "Bundle", "bundle_of", "open_bundle"]

#: The version of the header's form; a file of a later one is refused.
BUNDLE_VERSION = 1

_KIND = "cnnlab bundle"


@dataclass(frozen=True, eq=False)
class Bundle(ShownAsText):
    """A network that can be asked, and what it needs to know about images and classes.

    Attributes
    ----------
    name: the run's.
    architecture: what the network was built from.
    network: in evaluation mode, on its device; gives logits ``[N, classes]``.
    preprocessing: from uint8 pixels to what the network takes.
    class_names: in the order of the logits.
    temperature: by which logits are divided before the softmax; None: never fitted, 1 is taken.
    origin: where it came from, as plain values: run, dataset, weights' digest, versions.
    source: the run directory or file it was read from.
    """

    name: str
    architecture: Architecture
    network: torch.nn.Module
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    temperature: float | None
    origin: Mapping[str, Any]
    source: Path

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images that :meth:`logits` takes."""
        return self.architecture.input_shape

    @cached_property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def read_image(self, source: bytes | BinaryIO, where: object) -> NDArray[np.uint8]:
        """Decode an image file of any size and colour mode to this network's form.

        Returns uint8 ``[H, W, C]``; raises :class:`DataError` that names ``where``.
        """
        height, width, channels = self.input_shape
        return decode_image(source, where, size=(height, width), channels=channels)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 ``[N, H, W, C]`` of :attr:`input_shape` -> float32 ``[N, classes]``.

        The path that evaluation takes: the same images give the same logits.
        """
        return predict_logits(self.network, images, self.preprocessing)

    def probabilities(self, logits: ArrayLike) -> NDArray[np.float64]:
        """Softmax of logits ``[N, classes]`` at the bundle's temperature."""
        return at_temperature(logits, self.temperature or 1.0)

    def to_text(self) -> str:
        """What it takes and gives, in a few lines."""
        height, width, channels = self.input_shape
        known = "never fitted" if self.temperature is None else f"{self.temperature:.3f}"
        return printable(f"{self.name}: a network for {height}x{width}x{channels} images") + (
            f"\n  {len(self.class_names)} classes: {printable(', '.join(self.class_names))}"
            f"\n  on {self.device}, temperature {known}"
        )

    def save(self, path: Path) -> None:
        """Write it as one file, in one step."""
        weights = {f"model.{name}": value for name, value in self.network.state_dict().items()}
        save_tensors(path, weights, {**self._header(), "kind": _KIND, "version": BUNDLE_VERSION})

    def _header(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "architecture": self.architecture.to_dict(),
            "preprocessing": self.preprocessing.to_dict(),
            "class_names": list(self.class_names),
            "temperature": self.temperature,
            "origin": dict(self.origin),
        }


def bundle_of(run: Run, device: str | None = "cpu") -> Bundle:
    """The bundle of a run's chosen weights; :class:`RunError` where it has none yet."""
    tensors, header = read_weights(run)
    dataset = run.split["dataset"]
    origin = {
        "run": run.name,
        "dataset": dataset["name"],
        "dataset_fingerprint": dataset["fingerprint"],
        "weights_sha256": header["sha256"],
        "cnnlab": run.environment.get("versions", {}).get("cnnlab"),
    }
    said = {
        "name": run.name,
        "architecture": run.architecture(),
        "preprocessing": Preprocessing.from_dict(run.preprocessing),
        "class_names": tuple(run.class_names),
        "temperature": temperature_of(run),
        "origin": origin,
    }
    return _assembled(said, tensors, source=run.path, weights=run.best_weights, device=device)


def open_bundle(
    source: Path | str, *, runs: Path = Path("runs"), device: str | None = "cpu"
) -> Bundle:
    """Open a bundle's file, or a run by its directory or its name in ``runs``.

    ``device``: cpu, cuda, mps, or auto; set up for inference as evaluation is.

    Raises :class:`RunError` for what is neither, is damaged, or is of a later version.
    """
    path = Path(source)
    if not path.is_file():
        return bundle_of(open_run(source, runs=runs), device)
    _refuse_other_forms(path)
    tensors, header = read_tensors(path)
    if header.get("kind") != _KIND:
        raise RunError(
            "a checkpoint, not a bundle",
            where=path,
            expected="a file that cnnlab export wrote, or a run's directory",
        )
    version = header.get("version")
    if version != BUNDLE_VERSION:
        newer = isinstance(version, int) and version > BUNDLE_VERSION
        raise RunError(
            f"bundle version {version}",
            where=path,
            expected=f"{BUNDLE_VERSION}, which is what this cnnlab reads",
            todo="upgrade cnnlab" if newer else None,
        )
    return _assembled(_read_header(header, path), tensors, source=path, weights=path, device=device)


def _refuse_other_forms(path: Path) -> None:
    """Raise :class:`RunError` for a network in another program's form, told by its ending."""
    ending = path.suffix.lower()
    if ending in (".keras", ".h5"):
        todo = "turn it into one: " + command_line("import-keras", path)
        raise RunError("a Keras model, not a bundle", where=path, todo=todo)
    if ending == ".onnx":
        again = command_line("export", "RUN", "--format", "bundle", "--out", "model.safetensors")
        raise RunError(
            "an ONNX file, not a bundle",
            where=path,
            expected="a run, or a file that cnnlab export wrote as a bundle",
            todo=f"write one: {again}; docs/export.md has a script that asks an ONNX file",
        )


def _read_header(header: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What :meth:`Bundle.save` wrote, each value checked for its kind."""
    try:
        temperature = header["temperature"]
        if temperature is not None and not 0 < float(temperature) < math.inf:
            raise ValueError(temperature)
        said = {
            "name": str(header["name"]),
            "preprocessing": Preprocessing.from_dict(header["preprocessing"]),
            "class_names": tuple(map(str, header["class_names"])),
            "temperature": None if temperature is None else float(temperature),
            "origin": dict(header["origin"]),
        }
    except (LookupError, TypeError, ValueError):
        raise RunError("its header is damaged", where=path, todo="export it again") from None
    try:
        return {**said, "architecture": Architecture.from_dict(header["architecture"])}
    except (CnnlabError, LookupError, TypeError) as error:
        raise RunError(f"its architecture is damaged: {error}", where=path) from None


def _assembled(
    said: dict[str, Any],
    tensors: Mapping[str, torch.Tensor],
    *,
    source: Path,
    weights: Path,
    device: str | None,
) -> Bundle:
    """A bundle whose parts fit each other."""
    architecture: Architecture = said["architecture"]
    if len(said["class_names"]) != architecture.classes:
        raise RunError(
            f"{len(said['class_names'])} class names for {architecture.classes} classes",
            where=source,
        )
    if not said["preprocessing"].fits(architecture.input_shape):
        raise RunError("preprocessing and architecture do not fit", where=source)
    set_up_torch(choose_threads()[0])
    chosen = choose_device(device or "auto").name
    network = network_with(architecture, tensors, where=weights, device=chosen)
    return Bundle(**said, network=network, source=source)
