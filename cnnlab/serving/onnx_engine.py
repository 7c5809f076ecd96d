"""The network as an ONNX graph in onnxruntime, held against torch before it answers anybody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.errors import FailedError, InputError
from cnnlab.exporting.graph import graph_of
from cnnlab.exporting.libraries import require_libraries
from cnnlab.exporting.onnx_model import OnnxModel
from cnnlab.exporting.parity import batch_parity

__all__ = ["OnnxEngine"]

#: Random images whose logits are compared, and in which batches.
_COMPARED, _BATCHES = 64, (1, 7, 64)


class OnnxEngine:
    """As the bundle answers, within what ``cnnlab export`` allows (1e-4).

    Raises :class:`InputError` where the extra ``export`` is not installed, the network cannot be
    held by an ONNX file or is on another device than the processor, and :class:`FailedError`
    where the graph says something else than the network.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        require_libraries()
        if bundle.device.type != "cpu":
            raise InputError(f"the onnx engine computes on the processor, not on {bundle.device}")
        self._model = OnnxModel(graph_of(bundle).SerializeToString(), threads=threads)
        self._compare(bundle)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 ``[N, H, W, C]`` -> float32 ``[N, classes]``."""
        return self._model(images)[0]

    def _compare(self, bundle: Bundle) -> None:
        generator = np.random.default_rng(0)
        shape = (_COMPARED, *bundle.input_shape)
        images = generator.integers(0, 256, shape, dtype=np.uint8)
        expected = bundle.logits(images)
        for size in _BATCHES:
            found = self.logits(images[:size])
            if not batch_parity(expected[:size], found, size).holds:
                worst = float(np.abs(found - expected[:size]).max())
                raise FailedError(f"onnxruntime's logits differ from torch's by {worst:.2g}")
