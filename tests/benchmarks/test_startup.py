"""The waiting times: what is run, and what is said of the records."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import startup
import startup_worker
from harness.records import read_records
from startup import BARE, Probe

from cnnlab.errors import FailedError
from cnnlab.reports.markdown import render_markdown


def test_everything_is_measured_once_a_round(
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(startup, "MODELS", ["fastnet"])
    monkeypatch.setattr(startup, "COUNTS", [1, 3])
    out, report = tmp_path / "out", tmp_path / "report.md"
    command = [f"--out={out}", f"--data={images}", "--rounds=2", "--threads=1"]
    assert startup.main(command) == 0
    printed, complaints = capfd.readouterr()
    assert startup.main([f"--out={out}", f"--report={report}"]) == 0

    assert complaints == ""
    assert printed.endswith(report.read_text(encoding="utf-8") + "\n")
    records = read_records(out / "startup.jsonl")
    assert [record["round"] for record in records] == [1] * 8 + [2] * 8
    assert all(record["seconds"] > 0 for record in records)
    by_name = {record["what"]: record for record in records if record["round"] == 1}
    assert set(by_name) == {name for probe in startup.probes(str(images)) for name in probe.names}
    whole = by_name["cnnlab --help"]["seconds"]
    assert by_name["import cnnlab, the statement"]["seconds"] < whole


def _record(what: str, number: int, seconds: float, *, whole: bool = True) -> dict[str, object]:
    machine = {
        "processor": "Abacus",
        "cores": 2,
        "memory_bytes": 1 << 30,
        "vector_instructions": "none",
        "python": "3",
        "versions": {"torch": "2"},
        "source_revision": "abc",
    }
    return {
        "what": what,
        "round": number,
        "seconds": seconds,
        "whole_process": whole,
        "goal_seconds": None if what == BARE else 0.2,
        "machine": machine,
        "session": "2026-01-01",
        "load_before": 0.1,
        "command": "python x.py",
    }


def test_ratios_are_taken_round_by_round() -> None:
    times = {1: (0.02, 0.1), 2: (0.01, 0.2), 3: (0.04, 0.12)}
    records = [
        _record(what, number, seconds)
        for number, both in times.items()
        for what, seconds in zip((BARE, "cnnlab --help"), both, strict=True)
    ]
    inside = _record("the opening alone", 1, 0.0015, whole=False)
    text = render_markdown(startup.build_document([*records, inside]))
    assert f"| {BARE} | \\- | 20.0 | 10.0 to 40.0 | \\- | \\- | 3 |" in text
    assert "| cnnlab --help | 200 | 120.0 | 100.0 to 200.0 | 5.00 | 3.00 to 20.00 | 3 |" in text
    assert "| the opening alone | 200 | 1.5 | 1.5 to 1.5 | \\- | \\- | 1 |" in text


def test_a_process_that_fails_says_so() -> None:
    with pytest.raises(FailedError, match=r"broken: .*no luck"):
        Probe(("broken",), ("-c", "raise SystemExit('no luck')"), whole=True).seconds(1)


def test_what_the_process_prints_counts() -> None:
    probe = Probe(("a", "b"), ("-c", "print([0.25, 3])"), whole=False)
    assert probe.seconds(1) == [0.25, 3]


def test_the_median_of_the_calls_after_the_warm_up_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = iter([50, 1, 7, 2, 60, 4, 5, 6])  # one call of each count warms up
    clock, running = [0.0], [False]

    def now() -> float:
        if running[0]:
            clock[0] += next(lengths)
        running[0] = not running[0]
        return clock[0]

    monkeypatch.setattr(startup_worker.time, "perf_counter", now)
    monkeypatch.setattr("cnnlab.inference.predict_logits", lambda *_: None)
    assert startup_worker.infer_seconds("fastnet", [1, 2], warm_up=1, calls=3) == [2, 5]


def test_nothing_is_imported_before_cnnlab_is() -> None:
    found = set(vars(startup_worker)) & set(sys.modules)
    assert found == {"sys", "time"}
