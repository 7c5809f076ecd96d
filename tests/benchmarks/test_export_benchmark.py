"""The measurement of exported networks: what is timed, and what is said of the records."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import export
import export_worker
import numpy as np
import pytest
from export_parity import parity_section
from harness.records import read_records
from harness.sessions import Measurement
from harness.workers import Work
from small_records import MACHINE

from cnnlab.reports.markdown import render_markdown


def _speed(side: str, number: int, *, latency: float, rate: float) -> dict[str, Any]:
    return {
        "kind": "speed",
        "run": "blink",
        "side": side,
        "round": number,
        "images": 10_000,
        "threads": 2,
        "top1": 0.8125,
        "bytes": 2048,
        "latency_milliseconds": latency,
        "images_per_second": rate,
        **_SESSION,
    }


_SESSION = {
    "machine": MACHINE,
    "load_before": 0.0,
    "session": "now",
    "command": "python benchmarks/export.py",
}


def _parity(model: str, data: str, difference: float) -> dict[str, Any]:
    return {
        "kind": "parity",
        "model": model,
        "data": data,
        "image_shape": [32, 32, 1],
        "largest_difference": difference,
        "other_classes": 0,
        "batches": [{"images": 256}, {"images": 1000}],
        **_SESSION,
    }


def test_ratios_are_of_the_same_round() -> None:
    torch, onnx = export.SIDES["torch"], export.SIDES["int8"]
    records = [
        _speed(torch, 1, latency=2, rate=100),
        _speed(onnx, 1, latency=1, rate=300),
        _speed(torch, 2, latency=6, rate=100),
        _speed(onnx, 2, latency=2, rate=250),
        _speed(torch, 3, latency=9, rate=50),
        _speed(onnx, 3, latency=9, rate=100),
    ]
    text = render_markdown(export.build_document(records, []))
    assert "| blink | torch fp32 | 81.25% | 2 KiB | 6.00 | \\- | \\- | 100 | \\- | \\- |" in text
    row = "| 2.00 | 2.00 | 1.00 to 3.00 | 250 | 2.50 | 2.00 to 3.00 |"
    assert f"| blink | ONNX Runtime int8 | 81.25% | 2 KiB {row}" in text


def test_the_newest_parity_of_each_counts() -> None:
    records = [
        _parity("model-a", "digits", 3e-6),
        _parity("model-a", "digits", 2e-6),
        _parity("model-b", "shapes", 1e-6),
    ]
    document = export.build_document([], records)
    text = render_markdown(document)
    assert "| model | digits, 32x32x1 | shapes, 32x32x1 |" in text
    assert "| model-a | 2.0e-06 | \\- |" in text
    assert "2,512 answers in all; 0 of them another class" in text
    assert parity_section([]).blocks == []


def test_the_median_of_the_calls_after_the_warm_up_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [(0.0, length) for length in (50, 50, 50, 1, 4, 2)]
    ticks = iter(np.cumsum([0.0, *sum(calls, ()), 0.0]).tolist())
    monkeypatch.setattr(export_worker.time, "perf_counter", lambda: next(ticks))
    images = np.zeros((1, 2, 2, 1), np.uint8)
    assert export_worker.measure(lambda _: None, images, 0.0) == 2


@pytest.mark.parametrize("side", ["torch", "fp32"])
def test_a_worker_times_a_side(side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(export_worker, "_torch_side", lambda *_: lambda x: seen.append(len(x)))
    monkeypatch.setattr(export_worker, "_onnx_side", lambda *_: lambda x: seen.append(len(x)))
    np.save(tmp_path / "images.npy", np.zeros((3, 2, 2, 1), np.uint8))
    job = {
        "side": side,
        "model": "m",
        "images": str(tmp_path / "images.npy"),
        "input_shape": [2, 2, 1],
        "threads": 1,
        "seconds": 0,
        "answer": str(tmp_path / "answer.json"),
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    export_worker.main(tmp_path / "job.json")
    assert seen == [1] * 6 + [256] * 6
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["latency_milliseconds"] >= 0
    assert set(answer["versions"]) == {"onnx", "onnxruntime", "torch"}


def test_every_side_is_measured_once_a_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def sides(run: Path, work: Path, asked: object) -> list[Measurement]:
        answer = work / "answer.json"
        answer.write_text(json.dumps({"latency_milliseconds": 2.0, "images_per_second": 9.0}))

        def begin() -> Work:
            process = subprocess.Popen([sys.executable, "-c", ""])
            return Work(process, work / "log", answer)

        facts = {
            k: v for k, v in _speed("torch fp32", 1, latency=0, rate=0).items() if k not in _SESSION
        }
        return [Measurement({**facts, "run": run.name}, begin)]

    monkeypatch.setattr(export, "_sides", sides)
    out, report = tmp_path / "out", tmp_path / "report.md"
    assert export.main(["--runs", "a", "b", "--rounds=2", f"--out={out}"]) == 0
    records = read_records(out / "export.jsonl")
    assert [(record["round"], record["run"]) for record in records] == [
        (1, "a"),
        (1, "b"),
        (2, "a"),
        (2, "b"),
    ]
    assert export.main([f"--out={out}", f"--report={report}"]) == 0
    assert capsys.readouterr().out.endswith(report.read_text(encoding="utf-8") + "\n")
