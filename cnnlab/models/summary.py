"""The layer table that Keras prints, with cost and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnlab.models.layers import Shape
from cnnlab.models.plan import Step
from cnnlab.models.receptive import receptive_fields
from cnnlab.tables import ShownAsText

__all__ = ["Summary", "SummaryRow", "summarize"]

_BYTES_PER_VALUE = 4


@dataclass(frozen=True)
class SummaryRow:
    """One layer: ``output_shape`` is (H, W, C) or (features,); ``flops`` are for one image.

    ``receptive_field``: rows and columns of the image that a unit of its map sees; None where
    there is no map any more.
    """

    name: str
    type: str
    output_shape: Shape
    params: int
    flops: int
    receptive_field: tuple[int, int] | None = None


@dataclass(frozen=True)
class Summary(ShownAsText):
    """What a network is made of.

    ``flops``: forward for one image, twice the multiply-adds of convolutions and dense layers.
    ``activations_bytes``: every layer's output for one image in float32, which is roughly what
    training keeps for the backward pass.
    """

    name: str
    input_shape: Shape
    layers: tuple[SummaryRow, ...]
    total_params: int
    trainable_params: int
    non_trainable_params: int
    flops: int
    parameters_bytes: int
    activations_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values; shapes are lists without the batch."""
        rows = [
            {
                "name": row.name,
                "type": row.type,
                "output_shape": list(row.output_shape),
                "params": row.params,
                "flops": row.flops,
                "receptive_field": None if row.receptive_field is None else [*row.receptive_field],
            }
            for row in self.layers
        ]
        return {
            "model": self.name,
            "input_shape": list(self.input_shape),
            "layers": rows,
            "total_params": self.total_params,
            "trainable_params": self.trainable_params,
            "non_trainable_params": self.non_trainable_params,
            "flops": self.flops,
            "parameters_bytes": self.parameters_bytes,
            "activations_bytes": self.activations_bytes,
        }

    def to_text(self) -> str:
        """Keras's table in plain ASCII."""
        head = ("Layer (type)", "Output Shape", "Param #")
        cells = [
            (f"{row.name} ({row.type})", _shape(row.output_shape), f"{row.params:,}")
            for row in self.layers
        ]
        widths = [max(len(line[column]) for line in [head, *cells]) for column in range(3)]
        lines = [
            f"{left:<{widths[0]}}  {middle:<{widths[1]}}  {right:>{widths[2]}}"
            for left, middle, right in [head, *cells]
        ]
        rule = "-" * len(lines[0])
        title = f'Model: "{self.name}", input {_shape(self.input_shape)}'
        return "\n".join([title, rule, lines[0], rule, *lines[1:], rule, *self._totals()])

    def _totals(self) -> list[str]:
        return [
            f"Total params: {self._count(self.total_params)}",
            f"Trainable params: {self._count(self.trainable_params)}",
            f"Non-trainable params: {self._count(self.non_trainable_params)}",
            f"FLOPs: {self.flops:,} (one image, forward)",
            f"Memory: {_size(self.parameters_bytes)} parameters, "
            f"{_size(self.activations_bytes)} activations an image",
            *self._field(),
        ]

    def _field(self) -> list[str]:
        """How much of the image a unit of the last map sees."""
        fields = [row.receptive_field for row in self.layers if row.receptive_field is not None]
        if not fields:
            return []
        (rows, columns), (height, width, *_) = fields[-1], self.input_shape
        return [f"Receptive field: {rows}x{columns} of {height}x{width} pixels (last map)"]

    @staticmethod
    def _count(params: int) -> str:
        return f"{params:,} ({_size(params * _BYTES_PER_VALUE)})"

    def __str__(self) -> str:
        return self.to_text()


def summarize(name: str, input_shape: Shape, steps: Sequence[Step]) -> Summary:
    """Add up a plan."""
    trainable = sum(step.trainable_params for step in steps)
    frozen = sum(step.non_trainable_params for step in steps)
    rows = tuple(
        SummaryRow(
            name=step.name,
            type=step.type,
            output_shape=step.output_shape,
            params=step.trainable_params + step.non_trainable_params,
            flops=step.flops,
            receptive_field=field,
        )
        for step, field in zip(steps, receptive_fields(steps), strict=True)
    )
    return Summary(
        name=name,
        input_shape=input_shape,
        layers=rows,
        total_params=trainable + frozen,
        trainable_params=trainable,
        non_trainable_params=frozen,
        flops=sum(row.flops for row in rows),
        parameters_bytes=(trainable + frozen) * _BYTES_PER_VALUE,
        activations_bytes=sum(step.activation_values for step in steps) * _BYTES_PER_VALUE,
    )


def _shape(shape: Shape) -> str:
    """(32, 32, 64) as "(None, 32, 32, 64)"; None is the batch."""
    return f"(None, {', '.join(str(size) for size in shape)})"


def _size(count_bytes: int) -> str:
    """Bytes as Keras prints them: B, KB, MB, GB of 1,024."""
    size = float(count_bytes)
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
