"""Kills at scale, in miniature: what is planned, that it goes on, what is said of the records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kill
import pytest
from harness.records import read_records
from kill_worker import INSTANTS
from small_records import MACHINE

from cnnlab.reports.markdown import render_markdown
from cnnlab.workflows import kill_trial

pytestmark = pytest.mark.long


def record(number: int, instant: str, mode: str, *differences: str) -> dict[str, Any]:
    return {
        "number": number,
        "mode": mode,
        "instant": instant,
        "hit": "training",
        "step": None,
        "equal": not differences,
        "differences": list(differences),
        "precision": "bf16",
        "threads": 1,
        "machine": MACHINE,
        "load_before": 0.0,
        "session": "now",
        "command": "python benchmarks/kill.py",
    }


def test_modes_and_instants_take_turns() -> None:
    planned = kill.plan(200)
    assert sum(one.mode == "full" for one in planned) == 100
    for mode in ("full", "sequential"):
        instants = [one.instant for one in planned if one.mode == mode]
        assert instants.count("at a random time") == 50
        assert {*INSTANTS} < {*instants}


def test_the_bound_is_the_one_that_so_many_kills_support() -> None:
    kills = [record(one.number, one.instant, one.mode) for one in kill.plan(200)]
    text = render_markdown(kill.build_document(kills))
    assert "200/200 byte-equal: with 95% confidence at most 1.5% of such kills" in text
    assert "| at a random time | 50/50 | 50/50 | 100/100 | 3.0% |" in text


def test_one_that_differs_is_counted_and_named() -> None:
    kills = [
        record(0, INSTANTS[0], "full"),
        record(1, INSTANTS[0], "full", "metrics.jsonl differs"),
    ]
    text = render_markdown(kill.build_document(kills))
    assert "1/2 byte-equal" in text
    assert f"Kill 2: full, {INSTANTS[0]}, went on from the start: metrics.jsonl differs." in text


def test_nothing_recorded_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kill.main([f"--out={tmp_path}", f"--report={tmp_path / 'r.md'}"]) == 2
    assert "no kill is recorded; run kill.py first" in capsys.readouterr().err


def test_case_14_kills_are_made_once_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kill_trial, "_STAGES", {"full": {"mode": "full", "epochs": 2}})
    monkeypatch.setattr(kill, "plan", lambda kills: [kill.Planned(0, "full", INSTANTS[1])])
    asked = ["--kills=1", "--threads=1", f"--out={tmp_path / 'out'}"]
    assert kill.main(asked) == 0
    assert "1/1 byte-equal" in capsys.readouterr().out
    (made,) = read_records(tmp_path / "out" / "kill.jsonl")
    assert (made["instant"], made["hit"], made["equal"]) == (INSTANTS[1], "writing a file", True)
    assert made["times"] >= 1
    assert kill.main(asked) == 0
    assert capsys.readouterr().out.startswith("0 kills to do, 1 recorded")
    assert not (tmp_path / "out" / "work").exists()
