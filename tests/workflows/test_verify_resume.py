"""The trial of the resume promise: it kills, it compares, and it sees a difference."""

import json
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file
from small_runs import make_run

from cnnlab.errors import CheckFailed, DeviceError
from cnnlab.training.checkpoint import save_tensors
from cnnlab.workflows import kill_trial
from cnnlab.workflows.kill_trial import Kill, Trial
from cnnlab.workflows.same_bytes import differences
from cnnlab.workflows.verify_resume import Survival, verify_resume

pytestmark = pytest.mark.long


@pytest.fixture
def pair(tmp_path):
    """Two runs that are equal to the byte."""
    whole = make_run(tmp_path, "whole")
    shutil.copytree(whole.path, tmp_path / "killed")
    return type(whole)(tmp_path / "killed"), whole


def test_case_14_kills_are_survived(monkeypatch):
    monkeypatch.setattr(kill_trial, "_STAGES", {"full": {"mode": "full", "epochs": 2}})
    said = []
    found = verify_resume(kills=2, precision="bf16", threads=1, say=said.append)
    assert found.exact
    assert len(found.kills) == 2
    assert found.steps == 50
    assert said[0] == "training without a kill"
    assert "survived 2 kills: weights, optimizer, averages" in found.to_text()
    assert json.loads(json.dumps(found.to_dict()))["survived"] == 2


def test_runs_that_are_equal_do_not_differ(pair):
    assert differences(*pair) == []


def test_a_tensor_a_line_and_a_missing_file_are_named(pair):
    killed, whole = pair
    newest = max(killed.checkpoints.glob("last-*"))
    tensors = load_file(newest)
    key = next(name for name in sorted(tensors) if name.startswith("optimizer."))
    tensors[key][0] += 1
    save_tensors(newest, tensors, {"step": 20})
    lines = (killed.path / "metrics.jsonl").read_text().splitlines(keepends=True)
    (killed.path / "metrics.jsonl").write_text(lines[0] + lines[1].replace("0.5", "0.6"))
    (killed.path / "predictions" / "validation.npz").unlink()
    assert differences(killed, whole) == [
        f"last-000000020.safetensors differs in 1 tensors, first {key}",
        "metrics.jsonl differs in line 2",
        "validation.npz is missing",
    ]


def test_a_header_and_a_damaged_file_are_told_apart(pair):
    killed, whole = pair
    save_tensors(killed.best_weights, load_file(killed.best_weights), {"step": 21})
    assert differences(killed, whole) == ["best.safetensors differs in its header alone"]
    killed.best_weights.write_bytes(b"")
    (said,) = differences(killed, whole)
    assert "best.safetensors: missing or damaged" in said


def test_a_training_that_does_not_go_on_is_a_failed_check(tmp_path):
    trial = Trial(tmp_path, command=("false",))
    with pytest.raises(CheckFailed, match="a killed training did not go on: it said nothing"):
        trial.kill_at_random("killed", np.random.default_rng(0), 0.1)
    with pytest.raises(CheckFailed, match="did not go on"):
        trial.finish("killed")


def test_without_such_a_signal_it_says_so(tmp_path, monkeypatch):
    monkeypatch.delattr("signal.SIGKILL")
    with pytest.raises(DeviceError, match=r"it has no SIGKILL\); expected Linux or macOS"):
        Trial(tmp_path)


def test_what_differs_is_said():
    found = Survival((Kill("training", 1.0, None),), ("metrics.jsonl differs",), {}, 9, 2.0)
    assert "not the same after 1 kills: metrics.jsonl differs" in found.to_text()
    assert "the start" in found.to_text()
    assert found.to_dict()["survived"] == 0
