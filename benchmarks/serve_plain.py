"""The peer of serve.py: the handler that everybody writes first, with FastAPI and torch.

::

    python benchmarks/serve_plain.py async|threads BUNDLE

``async``: an ``async def`` that decodes and computes where it stands; ``threads``: a ``def``, which
FastAPI runs in its pool of threads. Each request is one image and one forward pass.
"""

from __future__ import annotations

import json
import socket
import sys

import uvicorn
from fastapi import FastAPI, UploadFile

from cnnlab.bundle import Bundle, open_bundle

__all__ = ["build_app", "main"]


def _answer(bundle: Bundle, data: bytes, name: str | None) -> dict[str, object]:
    pixels = bundle.read_image(data, name)
    (probabilities,) = bundle.probabilities(bundle.logits(pixels[None]))
    best = int(probabilities.argmax())
    return {"class": bundle.class_names[best], "probability": float(probabilities[best])}


def build_app(bundle: Bundle, style: str) -> FastAPI:
    """The application, in one of the two styles."""
    app = FastAPI()
    if style == "async":

        @app.post("/v1/predict")
        async def predict(image: UploadFile) -> dict[str, object]:
            return _answer(bundle, await image.read(), image.filename)

    else:

        @app.post("/v1/predict")
        def predict_in_thread(image: UploadFile) -> dict[str, object]:
            return _answer(bundle, image.file.read(), image.filename)

    return app


def main(arguments: list[str]) -> None:
    """Say where it listens, as ``cnnlab serve --json`` does, and serve."""
    style, source = arguments
    app = build_app(open_bundle(source), style)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as bound:
        host, port = bound.getsockname()
        print(json.dumps({"host": host, "port": port, "url": f"http://{host}:{port}"}), flush=True)
        config = uvicorn.Config(app, log_level="error", access_log=False)
        uvicorn.Server(config).run(sockets=[bound])


if __name__ == "__main__":
    main(sys.argv[1:])
