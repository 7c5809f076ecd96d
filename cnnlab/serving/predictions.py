"""A body of images in, the answer's JSON out: what ``POST /v1/predict`` does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cnnlab.serving.metrics import Metrics
from cnnlab.serving.predictor import Predictor, Ranking
from cnnlab.serving.uploads import Upload, read_uploads

__all__ = ["RANKS", "Predictions"]

#: The classes that are told of an image where the client does not say how many.
RANKS = 5


class Predictions:
    """Answers of one model; ``max_files``: of a request."""

    def __init__(self, predictor: Predictor, metrics: Metrics, max_files: int) -> None:
        self.predictor = predictor
        self._metrics, self._max_files = metrics, max_files
        facts = predictor.facts
        self._names = [json.dumps(name) for name in facts.classes]
        self._opening = f'{{"model": {json.dumps(facts.name)}, "images": ['

    async def answer(
        self,
        content_type: str,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        ranks: int = RANKS,
    ) -> bytes:
        """Read the body and say what its images show; :class:`Refusal` where it cannot be said."""
        self.predictor.check_room()  # a body that will be refused need not be read
        files = read_uploads(content_type, await _whole(receive), self._max_files)
        rankings = await self.predictor.predict(files)
        self._metrics.images.add(by=len(files))
        told = [
            self._told(file, ranking[:ranks]) for file, ranking in zip(files, rankings, strict=True)
        ]
        return f"{self._opening}{', '.join(told)}]}}\n".encode()

    def _told(self, file: Upload, ranking: Ranking) -> str:
        guesses = [
            f'"class": {self._names[index]}, "probability": {value!r}' for index, value in ranking
        ]
        top = ", ".join(f"{{{guess}}}" for guess in guesses)
        return f'{{"name": {json.dumps(file.name)}, {guesses[0]}, "top": [{top}]}}'


async def _whole(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> bytes:
    """A body, whose pieces come as ASGI has them."""
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
