"""A browser that looks at the page, and the page served for it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from cnnlab.page import PageSettings, create_app

CHROMIUM = shutil.which("chromium")
#: The marks of a file whose tests need one.
IN_A_BROWSER = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--no-first-run")  # fmt: skip


@dataclass(frozen=True)
class Site:
    """The page, served over a folder of runs."""

    runs: Path
    address: str


@contextmanager
def served(runs: Path) -> Iterator[Site]:
    """The page over a folder, on a free port."""
    app = create_app(PageSettings(runs, runs.parent / "audits"))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(runs, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(10)


def wait_until(page: Any, expression: str) -> None:
    """Wait until a JavaScript expression holds; the page's policy forbids the usual way."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never: {expression}")


def settle(page: Any) -> None:
    """Bring everything onto the page that comes when it is looked at."""
    page.evaluate("document.querySelectorAll('[data-lazy]').forEach(one => one.scrollIntoView())")
    wait_until(page, "!document.querySelector('[data-lazy] > p > a')")
