"""The two stages with their workers: which process runs what, and within which bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.machine import usable_cores
from cnnlab.serving.frames import pack_blobs
from cnnlab.serving.metrics import Metrics
from cnnlab.serving.predictor import (
    ModelFacts,
    Ranking,
    pack_pixels,
    unpack_decoded,
    unpack_rankings,
)
from cnnlab.serving.settings import ServeSettings
from cnnlab.serving.stage import Stage
from cnnlab.serving.worker import Worker, python_module

__all__ = ["MOST_RANKS", "ModelSource", "decoding_stage", "model_stage", "model_worker"]

#: The most classes that are told of an image.
MOST_RANKS = 100
_MOST_DECODERS = 4
#: Small enough that one large image does not keep many small ones waiting.
_DECODE_MOST, _DECODE_BYTES = 8, 1 << 20
#: Of the model for each image of a batch, beside which a batch may take so much.
_MODEL_SECONDS = 20.0
_REASON_BYTES = 4096
_GREETING_BYTES = 16 << 20


@dataclass(frozen=True)
class ModelSource:
    """What is served: a run, by its folder or its name in ``runs``, or a bundle's file.

    ``command``: what holds the model; to be replaced in tests alone.
    """

    source: str
    runs: Path = Path("runs")
    command: Sequence[str] = tuple(python_module("cnnlab.serving.model_worker"))

    def job(self, settings: ServeSettings) -> dict[str, Any]:
        """What the worker is told."""
        return {
            "source": self.source,
            "runs": str(self.runs),
            "device": settings.device,
            "engine": settings.engine,
            "threads": settings.threads,
            "ranks": MOST_RANKS,
            "max_batch": settings.max_batch,
        }


def model_worker(
    source: ModelSource, settings: ServeSettings, say: Callable[[str], None]
) -> Worker:
    """The process that holds the model; its successors must hold the same one."""
    return Worker(
        "model",
        source.command,
        source.job(settings),
        most_bytes=max(_GREETING_BYTES, 12 * MOST_RANKS * settings.max_batch),
        same=("origin", "classes", "input_shape"),
        say=say,
    )


def model_stage(
    worker: Worker, facts: ModelFacts, settings: ServeSettings, metrics: Metrics
) -> Stage[Ranking | None]:
    """Pixels -> the likeliest classes; None where the model was lost twice."""

    def watch(images: int, seconds: float) -> None:
        metrics.model_batch.observe(images)
        metrics.model_seconds.observe(seconds)

    return Stage(
        [worker],
        pack=pack_pixels,
        unpack=lambda answer, count: unpack_rankings(answer, count, facts.ranks),
        lost=lambda: None,
        most=settings.max_batch,
        most_bytes=1 << 62,
        seconds=_MODEL_SECONDS,
        watch=watch,
    )


def decoding_stage(
    facts: ModelFacts, settings: ServeSettings, metrics: Metrics, say: Callable[[str], None]
) -> Stage[bytes | str]:
    """Image files -> pixels, or why there are none."""
    height, width, channels = facts.input_shape
    pixel_bytes = height * width * channels
    job: Mapping[str, Any] = {
        "input_shape": facts.input_shape,
        "max_pixels": settings.max_pixels,
        "seconds": settings.decode_seconds,
        "memory_bytes": settings.decoder_memory_bytes,
    }
    workers = [
        Worker(
            f"decoder {number}",
            python_module("cnnlab.serving.decoder"),
            job,
            most_bytes=_DECODE_MOST * (pixel_bytes + _REASON_BYTES),
            environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            quiet=True,  # libtiff says there what it thinks of broken files
            say=say,
        )
        for number in range(1, 1 + (settings.decoders or min(_MOST_DECODERS, usable_cores()[0])))
    ]
    return Stage(
        workers,
        pack=pack_blobs,
        unpack=lambda answer, count: unpack_decoded(answer, count, pixel_bytes),
        lost=lambda: "it could not be decoded within the limits of time and memory",
        most=_DECODE_MOST,
        most_bytes=_DECODE_BYTES,
        seconds=settings.decode_seconds + 1.0,  # the worker ends itself before
        watch=lambda _, seconds: metrics.decode_seconds.observe(seconds),
    )
