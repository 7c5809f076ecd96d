"""How much of the image a unit of each map sees."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.models.plan import Step

__all__ = ["last_field", "receptive_fields"]

Pair = tuple[int, int]


def receptive_fields(steps: Sequence[Step]) -> list[Pair | None]:
    """Rows and columns of the image that one unit of each step's map looks at.

    A window of k pixels, that far apart on the image as all strides before it make its pixels,
    widens the field by (k - 1) times that (Araujo, Norris and Sim, "Computing receptive fields of
    convolutional neural networks", 2019). Borders are not cut off, so a field may be larger than
    the image. None from where there is no map any more: what follows sees all of it.
    """
    field, jump = (1, 1), (1, 1)
    fields: list[Pair | None] = []
    for step in steps:
        if len(step.output_shape) != 3:
            return fields + [None] * (len(steps) - len(fields))
        for reach, strides in step.layer.windows():
            field = (field[0] + (reach[0] - 1) * jump[0], field[1] + (reach[1] - 1) * jump[1])
            jump = (jump[0] * strides[0], jump[1] * strides[1])
        fields.append(field)
    return fields


def last_field(steps: Sequence[Step]) -> Pair | None:
    """That of the last map; None where there is no map at all."""
    return next((field for field in reversed(receptive_fields(steps)) if field), None)
