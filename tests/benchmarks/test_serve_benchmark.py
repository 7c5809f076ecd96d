"""The server's measurements: the peer answers alike, and the report says what the records hold."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import numpy as np
import pytest
import serve_plain
from serving_load.report import build_document
from serving_load.sides import BOUNDARY, png, write_bodies
from serving_load.trials import _trend
from small_runs import make_run

from cnnlab.bundle import bundle_of
from cnnlab.reports.markdown import render_markdown
from cnnlab.serving.uploads import read_uploads


@pytest.mark.parametrize("style", ["async", "threads"])
def test_the_plain_handlers_answer_as_the_bundle_does(tmp_path: Path, style: str) -> None:
    bundle = bundle_of(make_run(tmp_path, "pets"))
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    (expected,) = bundle.probabilities(bundle.logits(pixels[None]))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(serve_plain.build_app(bundle, style))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/v1/predict", files={"image": ("x.png", png(pixels))})

    answer = asyncio.run(ask()).json()
    assert answer["class"] == bundle.class_names[int(expected.argmax())]
    assert answer["probability"] == pytest.approx(expected.max())


def test_the_bodies_are_forms_of_one_image(tmp_path: Path) -> None:
    write_bodies([b"first", b"second"], tmp_path)
    body = (tmp_path / "1.body").read_bytes()
    (upload,) = read_uploads(f"multipart/form-data; boundary={BOUNDARY}", body, 1)
    assert (upload.name, upload.data) == ("1.png", b"second")


def test_the_trend_leaves_the_beginning_out() -> None:
    samples = [(0.0, 10_000), *((60.0 * minute, 100 + 2 * minute) for minute in range(1, 20))]
    found = _trend(samples)
    assert found["memory_slope"] == pytest.approx(2.0)
    assert (found["memory_least"], found["memory_most"]) == (104, 138)


def _record(kind: str, **facts: object) -> dict[str, object]:
    machine = {
        "processor": "Abacus",
        "cores": 2,
        "memory_bytes": 1 << 30,
        "vector_instructions": "none",
        "python": "3",
        "versions": {"torch": "2"},
        "source_revision": "abc",
    }
    shared = {"machine": machine, "session": "2026-01-01", "load_before": 0.1, "command": "x.py"}
    return {"kind": kind, "model": "fastnet", **shared, **facts}


def test_ratios_are_to_the_faster_plain_handler_of_the_round() -> None:
    rates = {1: (900, 300, 200), 2: (800, 100, 400), 3: (1000, 250, 100)}
    records = [
        _record("speed", round=number, connections=32, side=side, requests=5 * rate, seconds=5.0,
                p50=0.01, p99=0.02)
        for number, each in rates.items()
        for side, rate in zip(("cnnlab", "async", "threads"), each, strict=True)
    ]  # fmt: skip
    text = render_markdown(build_document(records))
    (row,) = [line for line in text.splitlines() if "| cnnlab |" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[3:5] == ["900", "800 to 1,000"]
    assert cells[7:9] == ["3.00", "2.00 to 4.00"]
    assert "3 times at 32 connections: fastnet 3.00 times (met)" in text


def test_trials_are_told() -> None:
    found = {"requests": 10, "seconds": 5.0, "socket_errors": 0, "timeouts": 0}
    records = [
        _record("overload", connections=320, queue=64, statuses={"200": 7, "503": 3},
                memory_before=1 << 20, memory_after=2 << 20, **found),
        _record("hold", connections=8, statuses={"200": 10}, memory_least=1 << 20,
                memory_most=2 << 20, memory_slope=1024.0, samples=[[0, 1], [5, 2]], **found),
        _record("swaps", images=1000, swapped=0, largest_difference=1e-7),
        _record("schema", operations=5, statuses={"200": 100, "422": 50}),
    ]  # fmt: skip
    text = render_markdown(build_document(records))
    for said in ("7 times 200, 3 times 503", "+0.00 MiB a minute", "0 answers were nearer",
                 "150 requests that schemathesis made up"):  # fmt: skip
        assert said in text
