"""Case 17: whatever operation on files fails, the earlier state loads and goes on."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from pathlib import Path
from typing import Any

import faults
import pytest
from harness.records import read_records
from injection import workflows as fault_workflows
from injection.injector import KINDS, Fault, Operation, kind_of_file
from injection.trials import Trial
from small_records import MACHINE

from cnnlab.reports.markdown import render_markdown
from cnnlab.training import checkpoint

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="processes are forked"
)

#: Each kind of operation in a training and the file that it is about.
HIT = {
    "mkdir": "a new run",
    "open": "predictions",
    "write": "last checkpoint",
    "truncate": "ledger",
    "set aside": "decoded images",
    "flush of a map": "decoded images",
    "fsync": "best weights",
    "fsync of a folder": "a new run",
    "rename": "last checkpoint",
    "unlink": "last checkpoint",
}


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A small training, of which each operation on files is known."""
    return fault_workflows.make_trial("training", tmp_path_factory.mktemp("faults"))


def last(trial: Trial, kind: str, file: str) -> int:
    """The number of the last operation of a kind on a kind of file."""
    return max(
        number
        for number, operation in enumerate(trial.operations)
        if (operation.kind, kind_of_file(operation.path)) == (kind, file)
    )


def test_every_kind_of_operation_is_tried(training: Trial) -> None:
    found = {operation.kind for operation in training.operations}
    assert found == {*HIT}
    assert {*KINDS} - found == {"rmdir"}  # which belongs to removing a run


@pytest.mark.parametrize("kind", HIT)
def test_case_17_whatever_operation_fails_the_earlier_state_goes_on(
    training: Trial, kind: str
) -> None:
    number = last(training, kind, HIT[kind])
    error = ("ENOSPC", "EIO", "EACCES")[[*HIT].index(kind) % 3]
    verdict = training.try_fault(Fault(number, "once", error))
    assert verdict.problems == []
    assert verdict.code == (0 if kind == "unlink" and not verdict.said else 3)


@pytest.mark.parametrize("file", ["decoded images", "clock", "last checkpoint", "predictions"])
def test_case_17_a_disk_that_stays_full_keeps_the_last_checkpoint(
    training: Trial, file: str
) -> None:
    verdict = training.try_fault(Fault(last(training, "write", file), "from then on", "ENOSPC"))
    assert verdict.problems == []
    assert (verdict.code, verdict.loads, verdict.equal) == (3, True, True)
    assert "no space left on device" in verdict.said


def test_a_write_that_takes_fewer_bytes_is_gone_on_with(training: Trial) -> None:
    number = last(training, "write", "last checkpoint")
    verdict = training.try_fault(Fault(number, "short", ""))
    assert (verdict.code, verdict.problems) == (0, [])


def test_what_does_not_hold_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that leaves half a checkpoint in its place, and says nothing, must not pass."""

    def careless(path: Path, content: bytes) -> None:
        with suppress(OSError), path.open("wb") as stream:
            stream.write(content)

    monkeypatch.setattr(checkpoint, "write_bytes", careless)
    trial = fault_workflows.make_trial("training", tmp_path)
    verdict = trial.try_fault(Fault(last(trial, "write", "last checkpoint"), "once", "EIO"))
    assert "it goes on as if nothing had failed" in verdict.problems
    assert any("safetensors cannot be read" in problem for problem in verdict.problems)
    assert not verdict.rightly_ended
    assert not verdict.loads


def test_plan_covers_every_operation_error_and_form() -> None:
    planned = faults.plan([Operation("write", "a"), Operation("rename", "a")])
    assert len(planned) == len(set(planned)) == 2 * 3 * 2 + 1
    assert Fault(0, "short", "") in planned
    assert Fault(1, "from then on", "EACCES") in planned


def record(number: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "fault",
        "workflow": "training",
        "file": "ledger",
        "number": number,
        "form": "once",
        "error": "EIO",
        "operation": {"kind": "write", "path": "runs/run/ledger.jsonl"},
        "code": 3,
        "said": "cnnlab: x",
        "rightly_ended": True,
        "loads": True,
        "equal": True,
        "problems": [],
        "threads": 1,
        "machine": MACHINE,
        "load_before": 0.0,
        "session": "now",
        "command": "python benchmarks/faults.py",
        **more,
    }


def test_what_was_recorded_is_counted_and_what_failed_is_named() -> None:
    bad = record(1, loads=False, problems=["ledger.jsonl cannot be read"])
    text = render_markdown(faults.build_document([record(0), bad]))
    assert "2 operations, 2 faults: the earlier state loaded after 1" in text
    assert "| ledger | 2 | 2 | 1 | 2 | 2 | 2 |" in text
    assert "ledger.jsonl cannot be read" in text


def test_faults_are_injected_once_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("no_proxy", "")  # what the workflow sets is taken back
    monkeypatch.setattr(faults, "plan", lambda operations: [Fault(0, "once", "EACCES")])
    asked = ["--workflows", "downloading", f"--out={tmp_path / 'out'}"]
    assert faults.main(asked) == 0
    assert "1 operations, 1 faults" in capsys.readouterr().out
    (made,) = read_records(tmp_path / "out" / "faults.jsonl")
    assert (made["problems"], made["file"]) == ([], "lock")
    assert faults.main(asked) == 0
    assert "0 faults to inject, 1 recorded" in capsys.readouterr().out
    assert not (tmp_path / "out" / "work").exists()


def test_nothing_recorded_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults.main([f"--out={tmp_path}", f"--report={tmp_path / 'r.md'}"]) == 2
    assert "no fault is recorded; run faults.py first" in capsys.readouterr().err
