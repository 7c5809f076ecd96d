"""The measurement of large data: that each size is measured, and what is said of the records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import scale
from harness.records import read_records
from small_records import MACHINE

from cnnlab.reports.markdown import render_markdown


def record(size: int, number: int, *, speed: float, memory: float) -> dict[str, Any]:
    return {
        "kind": "scale",
        "size": size,
        "round": number,
        "images_per_second": speed,
        "anonymous_bytes": memory,
        "threads": 1,
        "machine": MACHINE,
        "load_before": 0.0,
        "session": "now",
        "command": "python benchmarks/scale.py",
    }


def test_time_and_memory_are_held_against_the_smallest() -> None:
    records = [
        record(1000, 1, speed=100, memory=5_000_000),
        record(1000, 2, speed=200, memory=5_000_000),
        record(11_000, 1, speed=50, memory=15_000_000),
        record(11_000, 2, speed=190, memory=15_000_000),
        record(101_000, 1, speed=99, memory=6_000_000),
        record(101_000, 2, speed=201, memory=6_000_000),
    ]
    text = render_markdown(scale.build_document(records))
    assert "| 11,000 | 120 | 50 to 190 | 1.526 | 1.053 to 2.000 | 14.3 MiB |" in text
    assert "11,000 images: time an image not within 10% of that at 1,000; 1,000 bytes" in text
    assert "(above 100; its pixels are 3,072)" in text
    assert "101,000 images: time an image within 10% of that at 1,000; 10 bytes" in text


@pytest.mark.usefixtures("workers_here")
def test_every_size_is_trained_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out, report = tmp_path / "out", tmp_path / "report.md"
    command = ["--sizes", "60", "90", "--batch-size=10", "--threads=1", "--rounds=1"]
    assert scale.main([*command, "--seconds=0.01", "--warm-up=0", f"--out={out}"]) == 0
    printed, complaints = capfd.readouterr()
    assert complaints == ""
    first, second = read_records(out / "scale.jsonl")
    assert (first["size"], second["size"], first["threads"]) == (60, 90, 1)
    assert first["images_per_second"] == pytest.approx(first["steps"] * 10 / first["timed_seconds"])
    assert min(first["anonymous_bytes"], second["anonymous_bytes"]) > 10_000_000
    assert scale.main([f"--out={out}", f"--report={report}"]) == 0
    assert printed.endswith(report.read_text(encoding="utf-8") + "\n")
