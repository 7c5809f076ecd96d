"""Network + images -> logits: the one path that training, evaluation and serving share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnlab.data.moments import channel_moments
from cnnlab.device import memory_errors
from cnnlab.errors import RunError
from cnnlab.models import Architecture
from cnnlab.runs import Run, command_line, open_tensors

__all__ = [
    "Preprocessing",
    "digest_of_header",
    "digest_of_tensors",
    "load_network",
    "measure_preprocessing",
    "network_with",
    "place",
    "predict_logits",
    "read_tensors",
    "read_weights",
]

#: Images a forward pass. Fixed, so that no result depends on how many are asked for at once.
BATCH_SIZE = 250


@dataclass(frozen=True)
class Preprocessing:
    """From uint8 pixels to what the network takes; it travels with the model.

    Attributes
    ----------
    mean, std: one number a channel, in units of pixel / 255.
    image_size: height and width in pixels.
    resize: how an image of another size is brought to it.
    mirror: whether logits are the mean over each image and its mirror image.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: tuple[int, int]
    resize: str = "squash"
    mirror: bool = False

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Preprocessing:
        """Read what :meth:`to_dict` wrote."""
        return cls(
            mean=tuple(record["mean"]),
            std=tuple(record["std"]),
            image_size=(record["image_size"][0], record["image_size"][1]),
            resize=record["resize"],
            mirror=record["mirror"],
        )

    def fits(self, image_shape: tuple[int, int, int]) -> bool:
        """Whether it is for images of this height, width and number of channels."""
        height, width, channels = image_shape
        moments = len(self.mean) == len(self.std) == channels
        return moments and tuple(self.image_size) == (height, width)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for ``preprocessing.json``."""
        return asdict(self)

    def affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Scale and offset of each channel, float64 ``[C]``: ``x = pixel * scale + offset``."""
        deviation = torch.tensor(self.std, dtype=torch.float64)
        return 1 / (255 * deviation), -torch.tensor(self.mean, dtype=torch.float64) / deviation

    def apply(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 ``[N, H, W, C]`` -> float32 ``[N, C, H, W]``, channels last in memory."""
        count, height, width, channels = images.shape
        # Whole rows of pixels at a time: over three channels a processor's vectors stay empty.
        scale, offset = _row_constants(self, width, images.device)
        pixels = images.reshape(count * height, width * channels).float()
        normalized = torch.addcmul(offset, pixels, scale)
        return normalized.view(count, height, width, channels).permute(0, 3, 1, 2)


@lru_cache(maxsize=64)
def _row_constants(
    preprocessing: Preprocessing, width: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """:meth:`Preprocessing.affine` for a row of pixels, float32 ``[W * C]``."""
    with torch.inference_mode(mode=False):  # or training could not use what evaluation made
        scale, offset = preprocessing.affine()
        return scale.float().repeat(width).to(device), offset.float().repeat(width).to(device)


def measure_preprocessing(
    images: NDArray[np.uint8], rows: NDArray[np.int64], normalization: str, *, mirror: bool = False
) -> Preprocessing:
    """Choose mean and std: "unit" scales to 0..1, "standard" uses the training images'."""
    channels = images.shape[3]
    size = (int(images.shape[1]), int(images.shape[2]))
    if normalization == "unit":
        return Preprocessing((0.0,) * channels, (1.0,) * channels, size, mirror=mirror)
    mean, variance = channel_moments(images, rows)
    # A channel that never changes is centred and left unscaled.
    std = np.sqrt(np.where(variance > 1e-10, variance, 1.0))
    return Preprocessing(
        tuple(round(float(value), 6) for value in mean),
        tuple(round(float(value), 6) for value in std),
        size,
        mirror=mirror,
    )


def predict_logits(
    network: torch.nn.Module,
    images: NDArray[np.uint8],
    preprocessing: Preprocessing,
    *,
    rows: NDArray[np.int64] | None = None,
    batch_size: int = BATCH_SIZE,
    precision: str = "fp32",
) -> NDArray[np.float32]:
    """Run the network in evaluation mode over images (or some of their rows).

    Parameters
    ----------
    network: takes float32 ``[N, C, H, W]``, gives logits ``[N, classes]``; left in its mode.
    images: uint8 ``[N, H, W, C]``, memory-mapped or not; read block by block.
    rows: which of them, in which order; all where None.
    precision: fp32 for every figure that is reported; bf16 is for watching a training.

    Returns
    -------
    float32 ``[N, classes]``.
    """
    device = next(network.parameters()).device
    bf16 = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
    rows = np.arange(len(images), dtype=np.int64) if rows is None else rows
    was_training = network.training
    network.eval()
    blocks = []
    try:
        with torch.inference_mode(), bf16, memory_errors("inference"):
            for start in range(0, len(rows), batch_size):
                block = np.ascontiguousarray(images[rows[start : start + batch_size]])
                inputs = preprocessing.apply(torch.from_numpy(block).to(device))
                logits = network(inputs).float()
                if preprocessing.mirror:
                    logits = (logits + network(inputs.flip(3)).float()) / 2
                blocks.append(logits.cpu().numpy())
    finally:
        network.train(was_training)
    if not blocks:
        raise RunError("there is no image to predict", expected="at least one")
    return np.concatenate(blocks)


def digest_of_tensors(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes of tensors on the CPU."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def digest_of_header(header: Mapping[str, Any]) -> str:
    """SHA-256 over what a checkpoint's header says beside its own digest."""
    said = {key: value for key, value in header.items() if key != "header_sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read a checkpoint: tensors by name, and the JSON of its header.

    No pickle is involved, and the SHA-256 of the tensors and that of the header are checked;
    anything that is not such a file is a :class:`RunError`.
    """
    from safetensors import SafetensorError

    try:
        with open_tensors(path, "pt") as stream:
            header = json.loads((stream.metadata() or {})["cnnlab"])
            names = stream.keys()
            tensors = {name: stream.get_tensor(name) for name in names}
        whole = header["sha256"] == digest_of_tensors(tensors)
        # Checkpoints of earlier versions say nothing of their header's own digest.
        whole &= header.get("header_sha256") in (None, digest_of_header(header))
    # A file that is something else trips the library, JSON's parser or torch, each in its own way.
    except (
        *(OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError),
        *(RuntimeError, OverflowError, MemoryError),
    ):
        whole = False
    if not whole:
        raise RunError("missing or damaged", where=path, expected="a cnnlab checkpoint")
    return tensors, header


def read_weights(run: Run) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors that a run's training chose, and their header.

    Raises :class:`RunError` where it has none yet.
    """
    if not run.best_weights.exists():
        todo = "finish it with: " + command_line("train", "--resume", run.path)
        raise RunError("no weights yet", where=run.path, todo=todo)
    return read_tensors(run.best_weights)


def place(network: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Move a network to a device, its kernels with the channels last in memory (faster there)."""
    network.to(device=device)
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
    return network


def load_network(run: Run, device: torch.device | str = "cpu") -> torch.nn.Module:
    """Build the run's network and give it the weights that its training chose.

    Raises :class:`RunError` where the run has none yet or they do not fit its architecture.
    """
    tensors, _ = read_weights(run)
    return network_with(run.architecture(), tensors, where=run.best_weights, device=device)


def network_with(
    architecture: Architecture,
    tensors: Mapping[str, torch.Tensor],
    *,
    where: Path,
    device: torch.device | str = "cpu",
) -> torch.nn.Module:
    """Build a network with the tensors of a checkpoint whose names begin with ``model.``.

    Raises :class:`RunError` naming ``where`` if they do not fit the architecture; one that is
    larger than the weights that came with it is not even built.
    """
    prefix = "model."
    weights = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    misfit = RunError("weights and architecture do not fit", where=where)
    if architecture.summary().total_params > sum(tensor.numel() for tensor in weights.values()):
        raise misfit
    network = architecture.build()
    try:
        network.load_state_dict(weights)
    except RuntimeError:
        raise misfit from None
    return place(network, torch.device(device)).eval()
