"""Image files -> what they show: through the decoders, then through the model."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cnnlab.serving.frames import DECODED, split_blobs
from cnnlab.serving.refusal import Refusal, busy
from cnnlab.serving.stage import Stage
from cnnlab.serving.uploads import Upload

__all__ = [
    "Guess",
    "ModelFacts",
    "Predictor",
    "Ranking",
    "WorkerPredictor",
    "pack_pixels",
    "unpack_decoded",
    "unpack_rankings",
]

#: A class's index and its probability.
Guess = tuple[int, float]
#: The likeliest classes of an image, the likeliest first.
Ranking = list[Guess]


@dataclass(frozen=True)
class ModelFacts:
    """What the model's worker said of it; ``told``: all of that, as ``/v1/model`` shows it."""

    name: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    ranks: int
    told: dict[str, Any]

    @classmethod
    def of(cls, greeting: dict[str, Any], ranks: int) -> ModelFacts:
        """From the worker's greeting."""
        classes = tuple(greeting["classes"])
        height, width, channels = greeting["input_shape"]
        shape = (height, width, channels)
        return cls(greeting["name"], classes, shape, min(ranks, len(classes)), greeting)


class Predictor(Protocol):
    """What the web's side needs: a model, whether it can be asked now, and its answers."""

    @property
    def facts(self) -> ModelFacts: ...

    @property
    def ready(self) -> bool: ...

    @property
    def pending(self) -> int:
        """Images that are on their way."""
        ...

    def check_room(self, count: int = 1) -> None:
        """Raise :class:`Refusal` (503) where so many images more are too many."""
        ...

    async def predict(self, files: Sequence[Upload]) -> list[Ranking]:
        """The ranking of each file, in order; :class:`Refusal` (422) names the first bad one."""
        ...


def unpack_decoded(answer: bytes, count: int, pixel_bytes: int) -> list[bytes | str]:
    """Of each file its pixels, or why there are none."""
    blobs = split_blobs(memoryview(answer))
    results: list[bytes | str] = []
    for blob in blobs:
        if blob[:1] != DECODED:
            results.append(bytes(blob[1:]).decode("utf-8", "replace"))
        elif len(blob) == 1 + pixel_bytes:
            results.append(bytes(blob[1:]))
        else:
            raise ValueError("pixels of another size")
    if len(results) != count:
        raise ValueError("another number of images")
    return results


def pack_pixels(images: Sequence[bytes]) -> list[bytes]:
    """Pixels with the number of images before them."""
    return [struct.pack("<I", len(images)), *images]


def unpack_rankings(answer: bytes, count: int, ranks: int) -> list[Ranking | None]:
    """Of each image the indices and probabilities, ``[N, ranks]`` both."""
    each = count * ranks
    if len(answer) != 12 * each:
        raise ValueError("another number of classes")
    numbers = struct.unpack(f"<{each}I{each}d", answer)
    pairs = list(zip(numbers[:each], numbers[each:], strict=True))
    return [pairs[at : at + ranks] for at in range(0, each, ranks)]


class WorkerPredictor:
    """Leads images through the two stages; at most ``queue`` of them at a time.

    ``seconds``: that a request may take.
    """

    def __init__(
        self,
        facts: ModelFacts,
        decoding: Stage[bytes | str],
        model: Stage[Ranking | None],
        *,
        queue: int,
        seconds: float,
    ) -> None:
        self.facts, self.pending = facts, 0
        self._decoding, self._model = decoding, model
        self._queue, self._seconds = queue, seconds

    @property
    def ready(self) -> bool:
        """Whether decoders and model are there."""
        return self._decoding.ready and self._model.ready

    def check_room(self, count: int = 1) -> None:
        """Raise :class:`Refusal` (503) where so many images more are too many."""
        if self.pending + count > self._queue:
            raise busy(f"{self.pending} images are waiting; the queue holds {self._queue}")

    async def predict(self, files: Sequence[Upload]) -> list[Ranking]:
        """As :meth:`Predictor.predict`; 503 where it takes too long or the model is lost twice."""
        self.check_room(len(files))
        self.pending += len(files)
        under_way: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._seconds):
                decoded = [self._decoding.submit(file.data) for file in files]
                under_way += decoded
                images = [await each for each in decoded]
                pixels = [_pixels(file, got) for file, got in zip(files, images, strict=True)]
                ranked = [self._model.submit(each) for each in pixels]
                under_way += ranked
                return [_known(await each) for each in ranked]
        except TimeoutError:
            raise busy(f"no answer within {self._seconds:g} s") from None
        finally:
            self.pending -= len(files)
            for each in under_way:
                each.cancel()  # those that are done are not touched


def _pixels(file: Upload, decoded: bytes | str) -> bytes:
    if isinstance(decoded, str):
        raise Refusal(422, f"{file.where}: {decoded}")
    return decoded


def _known(ranking: Ranking | None) -> Ranking:
    if ranking is None:
        raise busy("the model was lost over this request")
    return ranking
