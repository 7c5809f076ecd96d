"""The worker that holds the network: ``python -m cnnlab.serving.model_worker FD``."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle, open_bundle
from cnnlab.device import Choice
from cnnlab.errors import CnnlabError
from cnnlab.serving.engines import Engine, choose_engine, choose_serving_threads
from cnnlab.serving.frames import answer_frames, write_frame
from cnnlab.serving.worker_process import enter

__all__ = ["Model", "main"]

_COUNT = struct.Struct("<I")


class Model:
    """Ranks the classes of images.

    ``ranks``: how many of the likeliest classes are told.
    """

    def __init__(self, bundle: Bundle, engine: Engine, ranks: int) -> None:
        self.bundle, self.engine, self.ranks = bundle, engine, ranks

    def answer(self, frame: memoryview) -> bytes:
        """Pixels, their number before them -> the likeliest classes of each image, and how likely.

        uint32 ``[N, ranks]``, the likeliest first and the lower index where two are alike, and
        then float64 ``[N, ranks]``: their probabilities.
        """
        (count,) = _COUNT.unpack_from(frame)
        pixels = np.frombuffer(frame, dtype=np.uint8, offset=_COUNT.size)
        images = pixels.reshape(count, *self.bundle.input_shape)
        order, probabilities = self.ranked(images)
        return order.tobytes() + probabilities.tobytes()

    def ranked(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """uint8 ``[N, H, W, C]`` -> indices and probabilities, each ``[N, ranks]``."""
        logits = self.engine.logits(images)
        # By the logits: probabilities can be equal where logits are not.
        order = np.argsort(-logits, axis=1, kind="stable")[:, : self.ranks]
        probabilities = self.bundle.probabilities(logits)
        return order.astype("<u4"), np.take_along_axis(probabilities, order, axis=1).astype("<f8")


def _greeting(bundle: Bundle, engine: Choice, threads: tuple[int, str]) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "classes": list(bundle.class_names),
        "input_shape": list(bundle.input_shape),
        "temperature": bundle.temperature,
        "origin": dict(bundle.origin),
        "engine": engine.name,
        "engine_reason": engine.reason,
        "device": str(bundle.device),
        "threads": threads[0],
        "threads_reason": threads[1],
    }


def main() -> None:
    """Open the bundle, say what it is, and rank until the server goes."""
    channel, job = enter()
    try:
        bundle = open_bundle(job["source"], runs=Path(job["runs"]), device=job["device"])
        threads = choose_serving_threads(bundle, job["threads"])
        engine, choice = choose_engine(job["engine"], bundle, threads[0])
    except CnnlabError as error:
        refused = {"error": str(error), "exit_code": error.exit_code}
        write_frame(channel, 0, json.dumps(refused).encode())
        return
    model = Model(bundle, engine, min(job["ranks"], len(bundle.class_names)))
    for count in (1, job["max_batch"]):  # what is slow the first time is over before the greeting
        model.ranked(np.zeros((count, *bundle.input_shape), dtype=np.uint8))
    answer_frames(channel, _greeting(bundle, choice, threads), model.answer)


if __name__ == "__main__":
    main()
