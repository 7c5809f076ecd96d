"""Keras's paddings as torch's operations take them."""

from __future__ import annotations

__all__ = ["Pair", "Sides", "split_padding"]

Pair = tuple[int, int]
#: ((top, bottom), (left, right))
Sides = tuple[Pair, Pair]


def split_padding(sides: Sides) -> tuple[Pair, list[int] | None]:
    """Split ``sides`` into what a torch operation pads itself, and what must be padded before."""
    (top, bottom), (left, right) = sides
    if top == bottom and left == right:
        return (top, left), None
    return (0, 0), [left, right, top, bottom]
