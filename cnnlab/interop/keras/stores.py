"""Where a file keeps a layer's variables: two ways to find them, one way to read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import DataError
from cnnlab.interop.keras.chain import Node
from cnnlab.interop.keras.hdf5 import Hdf5

__all__ = ["LegacyStore", "Store", "ZipStore"]

Shapes = Sequence[tuple[int, ...]]
#: The group that holds the layers' variables, and what Keras 2.12 and 2.13 called it.
_LAYERS, _OLD_LAYERS = "layers", "_layer_checkpoint_dependencies"


class Store(Protocol):
    """The variables of a file."""

    def arrays(self, node: Node, shapes: Shapes, *, also: int = 0) -> list[NDArray[np.float32]]:
        """A layer's first variables, in Keras's order, whose shapes are known beforehand.

        ``also``: how many more it has, which are not read. Raises :class:`DataError` for other
        shapes, and for more or fewer variables.
        """


class ZipStore:
    """What ``model.save`` and ``save_weights`` write: ``layers/conv2d_1/vars/0`` and so on."""

    def __init__(self, file: Hdf5) -> None:
        self._file = file

    def arrays(self, node: Node, shapes: Shapes, *, also: int = 0) -> list[NDArray[np.float32]]:
        """See :class:`Store`."""
        group = [*node.path, "vars"]
        if not self._file.count(group):
            old = [_OLD_LAYERS if part == _LAYERS else part for part in group]
            group = old if self._file.count(old) else group
        _check_count(self._file.count(group), shapes, also, node)
        return [
            self._file.array([*group, str(number)], shape) for number, shape in enumerate(shapes)
        ]


class LegacyStore:
    """A legacy ``.h5`` file: the names of a layer's variables stand in an attribute."""

    def __init__(self, file: Hdf5) -> None:
        self._file = file

    def arrays(self, node: Node, shapes: Shapes, *, also: int = 0) -> list[NDArray[np.float32]]:
        """See :class:`Store`."""
        if len(node.path) > 2:
            raise DataError(
                "it is within a model within the model",
                where=node.place,
                todo="save the model with model.save('model.keras')",
            )
        group = ["model_weights", node.name]
        names = self._file.texts(group, "weight_names") or []
        _check_count(len(names), shapes, also, node)
        return [
            self._file.array([*group, *name.split("/")], shape)
            for name, shape in zip(names[: len(shapes)], shapes, strict=True)
        ]


def _check_count(found: int, shapes: Shapes, also: int, node: Node) -> None:
    if found != len(shapes) + also:
        raise DataError(
            f"the file has {found} arrays of weights for it",
            where=node.place,
            expected=f"{len(shapes) + also}: {', '.join(str(list(shape)) for shape in shapes)}",
            todo="save it again with model.save('model.keras')" if found else None,
        )
