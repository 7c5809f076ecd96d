"""An ONNX file at work in onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.exporting.graph import INPUT, OUTPUTS
from cnnlab.exporting.images import Trial

__all__ = ["OnnxModel"]

_ERRORS_ONLY = 3


class OnnxModel:
    """uint8 images in, logits and probabilities out, on the processor.

    ``threads``: None leaves their number to onnxruntime.
    """

    def __init__(self, source: bytes | Path, *, threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        if threads is not None:
            options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            source if isinstance(source, bytes) else str(source),
            options,
            providers=["CPUExecutionProvider"],
        )

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of itself, by name."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def __call__(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """uint8 ``[N, H, W, C]`` -> logits and probabilities, float32 ``[N, classes]`` each."""
        logits, probabilities = self._session.run(list(OUTPUTS), {INPUT: images})
        return logits, probabilities

    def answers(
        self, trial: Trial, batch_size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same for all images of a trial, so many at once; the last batch may be shorter."""
        parts = [self(block) for block in trial.blocks(batch_size)]
        logits, probabilities = zip(*parts, strict=True)
        return np.concatenate(logits), np.concatenate(probabilities)
