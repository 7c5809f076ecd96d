"""What was foretold beside what came, by the times of two files."""

import json
import os
from pathlib import Path

import forecast
import pytest


def finished(
    folder: Path, name: str, *, left: float, came: float, status: str = "finished"
) -> None:
    run = folder / name
    run.mkdir(parents=True)
    (run / "forecast.json").write_text(json.dumps({"time": {"seconds_left": left}}))
    (run / "result.json").write_text(json.dumps({"status": status}))
    os.utime(run / "forecast.json", (1000.0, 1000.0))
    os.utime(run / "result.json", (1000.0 + came, 1000.0 + came))


def test_every_finished_run_is_held_against_its_forecast(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished(tmp_path, "a", left=90.0, came=100.0)
    finished(tmp_path / "deeper", "b", left=60.0, came=50.0)
    finished(tmp_path, "cut", left=60.0, came=5.0, status="failed")
    (tmp_path / "short").mkdir()
    (tmp_path / "short" / "forecast.json").write_text("{}")
    forecast.main(["--runs", str(tmp_path)])
    assert capsys.readouterr().out.splitlines() == [
        "a: 90.0 s foretold, 100.0 s came, 0.90",
        "b: 60.0 s foretold, 50.0 s came, 1.20",
        "2 runs: median 1.05, 0.90 to 1.20",
    ]
