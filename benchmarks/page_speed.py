"""How long does a person wait for the page, over a hundred runs of a usual size?

Makes RUNS run directories of 60,000 rows and 10,000 validation predictions each, without training,
and asks the page for its list: the first time, when nothing is known yet, and again. Beside it the
same for what ``cnnlab runs list`` does. Prints seconds, one JSON object::

    python benchmarks/page_speed.py --runs 100

With ``--pictures FOLDER --of RUNS`` it takes the pictures of docs/ui.md instead, with chromium.
It wants a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image

from cnnlab.config import RunConfig
from cnnlab.page import PageSettings, create_app
from cnnlab.runs import Predictions, Run, create_run
from cnnlab.workflows.overview import overview

__all__ = ["main", "make_runs", "measure"]

_ROWS, _VALIDATION, _CLASSES = 60_000, 10_000, 10
_LARGE_BYTES = 280_000
_WIDTHS = {"1440": (1440, 1000), "390": (390, 844)}


def make_runs(folder: Path, count: int) -> None:
    """So many finished runs of twenty epochs."""
    for number in range(count):
        _make_run(folder, f"run-{number:03d}", number)


def _make_run(folder: Path, name: str, seed: int) -> None:
    rows = np.random.default_rng(seed).permutation(_ROWS)
    held = _ROWS - _VALIDATION
    facts = {
        "name": "CIFAR-10",
        "fingerprint": "0123456789abcdef" * 4,
        "class_names": [f"class {label}" for label in range(_CLASSES)],
    }
    parts = {
        "train": rows[: held - 10_000].tolist(),
        "validation": rows[held:].tolist(),
        "test": rows[held - 10_000 : held].tolist(),
    }
    files: Mapping[str, str | dict[str, Any]] = {
        "config.yaml": RunConfig().updated(name=name, seed=seed).to_yaml(),
        "split.json": {"dataset": facts, **parts},
        "summary.txt": 'Model: "model-f"\nTotal params: 1,250,858 (4.77 MB)\n',
        "result.json": {
            "status": "finished",
            "stopped_because": "all epochs done",
            "epochs": 20,
            "train_seconds": 60.0,
            "images_per_second": 10_000.0,
        },
    }
    run = create_run(folder, name, files, exact=True)
    _fill(run, parts["validation"], seed)


def _fill(run: Run, rows: list[int], seed: int) -> None:
    generator = np.random.default_rng(seed)
    for epoch in range(1, 21):
        record = {
            "stage": 1,
            "epoch": epoch,
            "train_loss": 2 / epoch,
            "train_accuracy": 0.04 * epoch,
        }
        run.append("metrics.jsonl", {**record, "validation_accuracy": 0.039 * epoch})
    logits = generator.normal(size=(len(rows), _CLASSES)).astype(np.float32)
    labels = generator.integers(0, _CLASSES, len(rows))
    run.save_predictions("validation", Predictions(logits, labels, np.array(rows)))


def measure(folder: Path) -> dict[str, float]:
    """Seconds of the list's first and second page, and of reading every run in full."""
    app = create_app(PageSettings(folder))

    async def ask() -> float:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            began = time.perf_counter()
            (await client.get("/")).raise_for_status()
            return time.perf_counter() - began

    first, again = asyncio.run(ask()), asyncio.run(ask())
    began = time.perf_counter()
    overview(folder)
    return {"first": first, "again": again, "runs_list": time.perf_counter() - began}


@contextmanager
def _served(runs: Path) -> Iterator[str]:
    settings = PageSettings(runs, runs.parent / "audits")
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def take_pictures(
    runs: Path, out: Path, image: Path | None, asked: Sequence[str], *, dark: bool
) -> None:
    """Pictures of the main pages over real runs, at a desk's and a telephone's width.

    ``asked``: the run of the pages that show one, and two that are compared.
    """
    from playwright.sync_api import sync_playwright

    names = [run.name for run in sorted(map(Run, runs.iterdir()), key=lambda run: run.created)]
    first, second, third = (*asked, *names[::-1])[:3]
    pages = {
        "runs": "/",
        "run": f"/runs/{first}",
        "confusion": f"/runs/{first}#confusion",
        "compare": f"/compare?run={second}&run={third}",
        "try": f"/try?run={first}",
        "data": "/data",
    }
    with _served(runs) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox"]
        )
        for width, (across, down) in _WIDTHS.items():
            window = browser.new_page(viewport={"width": across, "height": down})
            window.emulate_media(color_scheme="dark" if dark else "light")
            for name, path in pages.items():
                window.goto(address + path)
                _prepare(window, name, image)
                window.wait_for_load_state("networkidle")
                _save(window.screenshot(), out / f"ui-{name}-{width}.png")


def _save(picture: bytes, path: Path) -> None:
    """As it is, or with 256 colours where it is large."""
    with Image.open(io.BytesIO(picture)) as image:
        plain = image.convert("RGB")
        (plain.quantize(256) if len(picture) > _LARGE_BYTES else plain).save(path, optimize=True)


def _prepare(window: Any, name: str, image: Path | None) -> None:
    """Do on a page what its picture is to show."""
    if name == "try" and image is not None:
        window.set_input_files("#image", image)
        window.wait_for_selector(".trial")
    if name == "data":
        window.locator(".card.link", has_text="Shapes").first.click()
    if name == "confusion":
        window.locator(".cell-link").first.click()
        window.wait_for_selector("#cell img")
        window.wait_for_timeout(800)  # it scrolls there
        window.evaluate("document.getElementById('confusion').scrollIntoView()")
    if name == "data":
        window.wait_for_selector(".strip img")


def main(arguments: list[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--of", type=Path, default=Path("runs"))
    parser.add_argument("--image", type=Path)
    parser.add_argument("--show", nargs="*", default=[])
    parser.add_argument("--dark", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.pictures is not None:
        take_pictures(asked.of, asked.pictures, asked.image, asked.show, dark=asked.dark)
        return
    with tempfile.TemporaryDirectory() as folder:
        make_runs(Path(folder), asked.runs)
        seconds = {name: round(value, 3) for name, value in measure(Path(folder)).items()}
    print(json.dumps({"runs": asked.runs, **seconds}))


if __name__ == "__main__":
    main()
