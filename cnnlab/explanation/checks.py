"""What every way to explain asks of its arguments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.errors import InputError, UnknownNameError
from cnnlab.registry import suggestion

__all__ = ["checked_class", "checked_image", "class_called"]


def checked_image(bundle: Bundle, image: NDArray[np.uint8]) -> None:
    """Raise :class:`InputError` unless it is uint8 of the shape that the network takes."""
    if image.dtype != np.uint8 or image.shape != bundle.input_shape:
        raise InputError(
            f"the image is {image.dtype} {list(image.shape)}",
            expected=f"uint8 {list(bundle.input_shape)}",
            todo="Bundle.read_image brings files to that form",
        )


def checked_class(bundle: Bundle, class_index: int) -> None:
    """Raise :class:`InputError` unless it is the index of a class."""
    if not 0 <= class_index < len(bundle.class_names):
        expected = f"0 to {len(bundle.class_names) - 1}"
        raise InputError(f"class {class_index}", where=bundle.name, expected=expected)


def class_called(bundle: Bundle, name: str) -> int:
    """The index of a class by its name; :class:`UnknownNameError` where none is called so."""
    if name in bundle.class_names:
        return bundle.class_names.index(name)
    todo = suggestion(name, list(bundle.class_names))
    raise UnknownNameError(f"no class is called '{name}'", where=bundle.name, todo=todo)
