"""The clock around checkpoints, on a training in miniature."""

from __future__ import annotations

from pathlib import Path

import checkpoint_cost
import pytest
from harness.records import read_records
from small_records import MACHINE

from cnnlab.reports.markdown import render_markdown


def test_every_checkpoint_is_timed_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.md"
    asked = ["--data=digits", "--models=model-f", "--steps=4", "--threads=1", f"--out={out}"]
    assert checkpoint_cost.main(asked) == 0
    printed = capsys.readouterr().out
    records = read_records(out / "checkpoints.jsonl")
    assert len(records) >= 2
    assert all(record["seconds"] > 0 for record in records)
    weights_and_two_moments = 3 * 4 * 1_000_000
    assert all(record["bytes"] > weights_and_two_moments for record in records)
    assert checkpoint_cost.main([f"--out={out}", f"--report={report}"]) == 0
    assert printed.endswith(report.read_text(encoding="utf-8") + "\n")


def test_the_share_is_of_the_minute_between_checkpoints() -> None:
    shared = {"machine": MACHINE, "load_before": 0.0, "session": "now", "command": "python x"}
    records = [
        {**shared, "model": "m", "threads": 1, "seconds": seconds, "bytes": 1 << 20}
        for seconds in (0.6, 0.3, 1.2)
    ]
    text = render_markdown(checkpoint_cost.build_document(records))
    assert "| m | 1 MiB | 600 | 300 to 1200 | 1.00% | 3 |" in text
