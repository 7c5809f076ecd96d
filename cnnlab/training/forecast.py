"""What a training will write and how much memory it will take, from its settings alone.

The figures are held against real runs in docs/results/log.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from cnnlab.config import OptimizerConfig, RunConfig
from cnnlab.data.split import Split
from cnnlab.inference import BATCH_SIZE
from cnnlab.models import Architecture
from cnnlab.models.plan import Step
from cnnlab.optim import make_optimizer
from cnnlab.training.stages import plan_stages

__all__ = ["Forecast", "forecast", "kept_values"]

_FLOAT = 4

#: Values that a layer leaves for the backward pass, as a multiple of its output: maximum pooling
#: keeps the places of the maxima (int64), dropout a mask of bytes, flattening is a view.
_KEPT = {"Flatten": 0.0, "MaxPooling2D": 3.0, "Dropout": 1.25, "SeparableConv2D": 2.0}

#: These need their output for the backward pass and not their input.
_FROM_OUTPUT = ("relu", "sigmoid", "tanh")

#: Kernels' scratch memory and what the allocator cannot use again: 1.0 to 1.35 was measured.
_STEP_SLACK = 1.2
_EVALUATION_SLACK = 1.75

#: In bf16 what matrix products see is half as large, the rest stays fp32; 0.67 and 0.7 measured.
_BF16_SHARE = 0.7

#: Layers whose weights come from training images look at so many, as uint8 and twice as fp32.
_LOOK_AT_IMAGES = ("WhiteningConv2D",)
_IMAGES_LOOKED_AT = 5_000
_BYTES_A_LOOK = 9

#: Row number, label, place in the order, mirror and shift of each training image.
_BYTES_A_ROW = 40

#: Of a logit of an evaluated split: float32 in parts and whole, float64 where it is scored.
_BYTES_A_LOGIT = 32

#: What stands in a checkpoint's header: settings and state, and a line a tensor.
_HEADER_BYTES, _HEADER_BYTES_A_TENSOR = 2_000, 90

#: A report with its figures is 0.4 to 0.6 MB; metrics, timing and progress take the rest.
_REPORT_BYTES = 1_000_000
_BYTES_AN_EPOCH = 700


@dataclass(frozen=True)
class Forecast:
    """What a training is expected to take, in bytes.

    Attributes
    ----------
    checkpoint_bytes: one ``last-STEP.safetensors``: weights, average, optimizer state.
    weights_bytes: ``best.safetensors``.
    other_files_bytes: split, predictions of validation and test, metrics, report.
    images_bytes: what is kept of a stage's training images: their pixels only on a GPU.
    network_bytes: weights, gradients, average and optimizer state.
    preparing_bytes: what is there for a moment before the first step: images that weights are
        computed from, or copies that a GPU widens at the border.
    image_step_bytes: what one image of a batch takes in a training step.
    batch_size: images a step.
    update_bytes: what an optimizer's update makes beside its state.
    evaluation_bytes: a forward pass of the evaluation's batch, and the logits.
    saving_bytes: copies while a checkpoint is written.
    """

    checkpoint_bytes: int
    weights_bytes: int
    other_files_bytes: int
    images_bytes: int
    network_bytes: int
    preparing_bytes: int
    image_step_bytes: int
    batch_size: int
    update_bytes: int
    evaluation_bytes: int
    saving_bytes: int

    @property
    def disk_bytes(self) -> int:
        """What stands in the run directory at most, once the training is over."""
        return 2 * self.checkpoint_bytes + self.weights_bytes + self.other_files_bytes

    @property
    def disk_peak_bytes(self) -> int:
        """The most that stands there meanwhile: a third checkpoint is whole before one goes."""
        return self.disk_bytes + self.checkpoint_bytes

    @property
    def step_bytes(self) -> int:
        """Activations and gradients of one step."""
        return self.image_step_bytes * self.batch_size

    @property
    def memory_bytes(self) -> int:
        """The most memory beyond what the program takes before it begins, all on one device."""
        return max(self.device_bytes, self._lasting_bytes + self.saving_bytes)

    @property
    def device_bytes(self) -> int:
        """The part of it that is on the device where that is not the processor."""
        passing = (self.step_bytes + self.update_bytes, self.evaluation_bytes)
        return self._lasting_bytes + max(*passing, self.preparing_bytes)

    @property
    def host_bytes(self) -> int:
        """What is left to the processor's memory then: images on their way, copies for the disk."""
        return self.weights_bytes + max(self.images_bytes, self.saving_bytes, self.preparing_bytes)

    @property
    def _lasting_bytes(self) -> int:
        return self.images_bytes + self.network_bytes

    def largest_batch(self, memory_bytes: int) -> int:
        """The largest batch size that so much memory holds; 0 where it holds none."""
        rest = memory_bytes - self._lasting_bytes
        if rest < max(self.evaluation_bytes, self.preparing_bytes, self.saving_bytes):
            return 0
        return max(rest - self.update_bytes, 0) // max(self.image_step_bytes, 1)


def forecast(
    architecture: Architecture, config: RunConfig, split: Split, *, frozen: Collection[str] = ()
) -> Forecast:
    """Foresee a training of ``config``, which names precision and batch size.

    ``split`` says how many images there are of each part, ``frozen`` names layers that training
    leaves as they are. Nothing of the network's size is allocated.
    """
    steps, training = architecture.steps, config.training
    trained = [step for step in steps if step.name not in frozen]
    params = sum(step.trainable_params + step.non_trainable_params for step in steps)
    trainable = sum(step.trainable_params for step in trained)
    state = _state_values(config.optimizer)
    copies = 1 if training.ema is None else 2
    lines = _HEADER_BYTES_A_TENSOR * sum(map(_tensors, steps))
    weights_bytes = _FLOAT * params + lines
    checkpoint_bytes = int(
        copies * weights_bytes + state * (_FLOAT * trainable + lines) + _HEADER_BYTES
    )
    stages = plan_stages(split.train, training)
    most = max(len(stage.train) for stage in stages)
    learnable = sum(step.trainable_params for step in steps)
    kernels = sum(step.trainable_params for step in steps if step.type != "Dense")
    share = _BF16_SHARE if config.precision == "bf16" else 1.0
    return Forecast(
        checkpoint_bytes=checkpoint_bytes,
        weights_bytes=weights_bytes,
        other_files_bytes=_other_files_bytes(architecture, config, split, len(stages)),
        images_bytes=most * _bytes_a_row(architecture, config),
        network_bytes=int(_FLOAT * (copies * params + (1 + state) * trainable)),
        preparing_bytes=max(
            _looked_at_bytes(architecture, len(split.train)),
            _widened_bytes(architecture, config, most),
        ),
        image_step_bytes=int(_STEP_SLACK * share * _FLOAT * _step_values(steps, frozen)),
        batch_size=min(training.batch_size, len(split.train)),
        update_bytes=_FLOAT * trainable,
        evaluation_bytes=_evaluation_bytes(architecture, split),
        # Two copies of all, and one more of kernels, which lie channels-last in memory.
        saving_bytes=int(checkpoint_bytes * (2 + kernels / max(learnable, 1))),
    )


def _evaluation_bytes(architecture: Architecture, split: Split) -> int:
    """A forward pass, where a layer's input and output live at once, and a split's logits."""
    values = max(prod(step.input_shape) + prod(step.output_shape) for step in architecture.steps)
    logits = max(len(split.validation), len(split.test)) * architecture.classes
    return int(_EVALUATION_SLACK * _FLOAT * BATCH_SIZE * values) + _BYTES_A_LOGIT * logits


def _looked_at_bytes(architecture: Architecture, images: int) -> int:
    """The images from which the first weights are computed, in all the forms that they take."""
    looks = any(step.type in _LOOK_AT_IMAGES for step in architecture.steps)
    looked_at = min(images, _IMAGES_LOOKED_AT) if looks else 0
    return _BYTES_A_LOOK * looked_at * prod(architecture.input_shape)


def _tensors(step: Step) -> int:
    """About how many tensors a layer has in a checkpoint."""
    if not step.trainable_params + step.non_trainable_params:
        return 0
    if _is_block(step):
        return 12
    return 4 if step.type == "BatchNormalization" else 2


def _is_block(step: Step) -> bool:
    """Whether a step is made of layers, whose values it counts as its own."""
    return step.activation_values > prod(step.output_shape)


def _bytes_a_row(architecture: Architecture, config: RunConfig) -> int:
    """What a training image takes beside those of a batch: its draws, and on a GPU its pixels.

    The processor reads them where they lie; a GPU holds each once as it is and once augmented.
    """
    if not _on_accelerator(config):
        return _BYTES_A_ROW
    return 2 * prod(architecture.input_shape) + _BYTES_A_ROW


def _widened_bytes(architecture: Architecture, config: RunConfig, images: int) -> int:
    """Copies of a stage's images, widened at the border, while a GPU shifts an epoch of them."""
    margin = 2 * config.training.augment.translate
    if not margin or not _on_accelerator(config):
        return 0
    height, width, channels = architecture.input_shape
    return images * (height + margin) * (width + margin) * channels


def _on_accelerator(config: RunConfig) -> bool:
    return config.device.startswith(("cuda", "mps"))


def _other_files_bytes(
    architecture: Architecture, config: RunConfig, split: Split, stages: int
) -> int:
    counts = [len(rows) for rows in (split.train, split.validation, split.test)]
    # Each row stands on a line of its own, indented, with a comma.
    rows_json = sum(counts) * (len(str(sum(counts))) + 4)
    logits = sum(counts[1:]) * (_FLOAT * architecture.classes + 16)
    epochs = stages * config.training.epochs * _BYTES_AN_EPOCH
    return rows_json + logits + epochs + _REPORT_BYTES


def kept_values(steps: Sequence[Step]) -> list[float]:
    """Values that each layer's training step keeps for the backward pass, an image.

    A tensor counts where it is made, and only if a layer needs it to compute gradients; what
    several layers share counts once.
    """
    following = [*steps[1:], None]
    return [_kept(step, after) for step, after in zip(steps, following, strict=True)]


def _kept(step: Step, after: Step | None) -> float:
    output = prod(step.output_shape)
    if _is_block(step):
        return step.activation_values
    follows = getattr(after.layer, "activation", None) if after is not None else None
    if step.type == "BatchNormalization" and follows in _FROM_OUTPUT:
        return 0.0
    own: Any = getattr(step.layer, "activation", None)
    # A ReLU overwrites what it is given; other functions leave it beside their output.
    apart = step.type != "Activation" and own not in (None, "linear", "relu")
    return output * (_KEPT.get(step.type, 1.0) + apart)


def _step_values(steps: Sequence[Step], frozen: Collection[str]) -> float:
    """The most values that live at once in a forward and backward pass, an image.

    At each layer: what the layers up to it keep, and the gradients of its output and input.
    Nothing is kept before the first layer that learns, but for that layer's input.
    """
    learns = [bool(step.trainable_params) and step.name not in frozen for step in steps]
    first = learns.index(True)
    kept = most = float(prod(steps[first].input_shape))
    for step, values in list(zip(steps, kept_values(steps), strict=True))[first:]:
        kept += values
        most = max(most, kept + prod(step.output_shape) + prod(step.input_shape))
    return most


def _state_values(chosen: OptimizerConfig) -> float:
    """Values of state that an optimizer keeps for each parameter: counted after a step of it."""
    sizes = ((4, 4, 2, 2), (4, 8), (8,))
    params = [(str(size), torch.nn.Parameter(torch.ones(size))) for size in sizes]
    optimizer = make_optimizer(
        chosen.name, params, lr=chosen.lr, weight_decay=chosen.weight_decay, **chosen.options()
    )
    for _, param in params:
        param.grad = torch.ones_like(param)
    optimizer.step()
    return max(
        sum(
            value.numel()
            for value in optimizer.state[param].values()
            if isinstance(value, torch.Tensor) and value.numel() > 1
        )
        / param.numel()
        for _, param in params
    )
