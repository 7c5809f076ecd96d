"""The web's side in this process, with a predictor that needs no worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from cnnlab.data.images import decode_image
from cnnlab.errors import DataError
from cnnlab.serving.access_log import AccessLog
from cnnlab.serving.app import build_app, paths_of
from cnnlab.serving.door import Door
from cnnlab.serving.metrics import Metrics
from cnnlab.serving.predictions import Predictions
from cnnlab.serving.predictor import ModelFacts, Ranking
from cnnlab.serving.refusal import Refusal, busy
from cnnlab.serving.settings import ServeSettings
from cnnlab.serving.uploads import Upload

CLASSES = ("cat", 'a "dog"', "<script>alert(1)</script>", "写真 \\ \x1b[31m")
_TOLD: dict[str, Any] = {
    "name": "pets & more",
    "classes": list(CLASSES),
    "input_shape": [4, 4, 3],
    "temperature": 1.5,
    "origin": {"run": "pets"},
    "engine": "stub",
    "engine_reason": "asked for",
    "device": "cpu",
    "threads": 1,
    "threads_reason": "asked for",
}


class StubPredictor:
    """Ranks from the class that an image's first pixel names."""

    def __init__(self) -> None:
        self.facts = ModelFacts.of(_TOLD, 100)
        self.ready, self.pending, self.full = True, 0, False

    def check_room(self, count: int = 1) -> None:
        if self.full:
            raise busy("full")

    async def predict(self, files: Sequence[Upload]) -> list[Ranking]:
        rankings: list[Ranking] = []
        for file in files:
            try:
                pixels = decode_image(file.data, None, size=4, channels=3)
            except DataError as error:
                raise Refusal(422, f"{file.where}: {error}") from None
            first = int(pixels[0, 0, 2])
            ranks = [(first + step) % len(CLASSES) for step in range(len(CLASSES))]
            rankings.append([(index, 0.5 ** (1 + at)) for at, index in enumerate(ranks)])
        return rankings


class Served:
    """The application behind its door, and what it writes to the log."""

    def __init__(self, **settings: Any) -> None:
        self.lines: list[str] = []
        self.predictor, self.metrics = StubPredictor(), Metrics()
        told = ServeSettings(**settings)
        predictions = Predictions(self.predictor, self.metrics, told.max_files)
        self.app = build_app(predictions, self.metrics, "1.2.3")
        self.log = AccessLog(self.lines.append)
        self.door = Door(self.app, predictions, told, paths_of(self.app), self.metrics, self.log)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.door)  # type: ignore[arg-type] # as ASGI has it
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as one:
                return await one.request(method, path, **options)

        return asyncio.run(asked())

    def written(self) -> str:
        """What the log has got so far."""
        with self.log:
            pass
        return "".join(self.lines)
