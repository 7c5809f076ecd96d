"""Who looks at the page in tests, and trainings for it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from cnnlab.workflows.configure import configure

#: A class and a run that would act if they were not escaped.
ODD_CLASS = "<img src=x onerror=alert(1)>"
ODD_RUN = '<b onclick=alert(2)>odd & "run"'


@dataclass(frozen=True)
class Visitor:
    """Asks the application in this process, as a browser on the same machine would."""

    app: Any
    base: str = "http://127.0.0.1:8080"

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; nothing is followed."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url=self.base) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Look at a page."""
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a form from one of our pages."""
        headers = {"origin": self.base, **options.pop("headers", {})}
        return self.send("POST", path, headers=headers, **options)

    def raw(self, target: str) -> tuple[int, str]:
        """Ask for a path as it stands, ``..`` and all, which no client sends of itself."""
        path, _, query = target.partition("?")
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(b"host", b"127.0.0.1:8080")], "client": ("127.0.0.1", 1), "root_path": "",
            "server": ("127.0.0.1", 8080),
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], body.decode("utf-8", "replace")

    @property
    def token(self) -> str:
        """What a page of ours has in its forms."""
        found = re.search(r'name="cnnlab-token" content="([^"]+)"', self.get("/").text)
        assert found is not None
        return found[1]


def settings_of(pictures: Path, model: Path, **more: Any) -> Any:
    """A training of two epochs on the pictures."""
    training = {"epochs": 2, "batch_size": 16, **more.pop("training", {})}
    return configure(
        settings={
            "data": {"source": str(pictures)},
            "model": {"name": str(model)},
            "training": training,
            "optimizer": {"name": "adam", "lr": 0.01},
            "device": "cpu",
            "threads": 1,
            **more,
        }
    )


class _Text(HTMLParser):
    """What a reader sees of a page, without its markup."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def seen(page: str) -> str:
    """The page's text, its white space as a browser has it."""
    parser = _Text()
    parser.feed(page)
    return " ".join("".join(parser.words).split())
