"""What goes is what nobody needs; what stays is enough to evaluate, or to go on."""

from pathlib import Path

import pytest
from small_runs import make_run

from cnnlab.errors import InputError, RunError
from cnnlab.files import exclusive_lock
from cnnlab.inference import load_network
from cnnlab.runs import list_runs
from cnnlab.training.checkpoint import latest_checkpoint
from cnnlab.workflows.thinning import thin_runs

OLD, NEW = "last-000000010.safetensors", "last-000000020.safetensors"


def checkpoints(run):
    return sorted(path.name for path in run.checkpoints.iterdir())


def test_a_finished_run_keeps_its_best_weights_only(tmp_path):
    run = make_run(tmp_path, "a")
    size = sum((run.checkpoints / name).stat().st_size for name in (OLD, NEW))
    before = run.best_weights.read_bytes()
    thinned = thin_runs([run])
    assert checkpoints(run) == ["best.safetensors"]
    assert run.best_weights.read_bytes() == before
    assert thinned.freed_bytes == size > 8000
    assert set(thinned.runs[0].removed) == {OLD, NEW}
    assert "2 files, " in thinned.to_text()
    assert load_network(run) is not None
    assert thin_runs([run]).freed_bytes == 0


@pytest.mark.parametrize("status", [None, "failed"])
def test_a_run_that_can_go_on_keeps_its_newest_checkpoint(tmp_path, status):
    run = make_run(tmp_path, "a", status=status)
    thinned = thin_runs([run])
    assert checkpoints(run) == ["best.safetensors", NEW]
    assert latest_checkpoint(run)[1]["step"] == 20
    reason = thinned.runs[0].reason
    assert reason == f"{status or 'unfinished'}; {NEW} stays, for: cnnlab train --resume {run.path}"


def damage(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_where_the_newest_checkpoint_is_damaged_the_one_before_it_stays(tmp_path):
    run = make_run(tmp_path, "a", status=None)
    damage(run.checkpoints / NEW)
    thin_runs([run])
    assert checkpoints(run) == ["best.safetensors", OLD]


def test_a_run_without_whole_weights_keeps_everything(tmp_path):
    finished, cut = make_run(tmp_path, "a"), make_run(tmp_path, "b", status=None)
    damage(finished.best_weights)
    for name in (OLD, NEW):
        damage(cut.checkpoints / name)
    thinned = thin_runs([finished, cut])
    assert thinned.freed_bytes == 0
    assert "best weights are missing or damaged" in thinned.runs[0].reason
    assert "no checkpoint verifies" in thinned.runs[1].reason
    assert len(checkpoints(finished)) == len(checkpoints(cut)) == 3


def test_what_a_killed_training_left_half_written_goes(tmp_path):
    run = make_run(tmp_path, "a", status=None)
    left_over = run.checkpoints / ".last-000000030.safetensors.77.abcd.tmp"
    left_over.write_bytes(b"x" * 100)
    assert left_over.name in thin_runs([run]).runs[0].removed
    assert not left_over.exists()


def test_a_dry_run_says_the_same_and_touches_nothing(tmp_path):
    run = make_run(tmp_path, "a")
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    said = thin_runs([run], dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
    assert "nothing was removed" in said.to_text()
    assert said.runs == thin_runs([run]).runs


def test_a_run_in_use_is_named_before_any_is_thinned(tmp_path):
    first, second = make_run(tmp_path, "a"), make_run(tmp_path, "b")
    with exclusive_lock(second.lock_file), pytest.raises(RunError, match="b: it is in use"):
        thin_runs([first, second])
    (second.path / "config.yaml").write_text("schema_version: 2\n")
    with pytest.raises(InputError, match="a newer cnnlab wrote it"):
        thin_runs([first, second])
    assert len(checkpoints(first)) == 3


def test_of_all_runs_those_that_cannot_be_thinned_are_passed_over(tmp_path):
    for name in ("a", "b", "c", "d"):
        make_run(tmp_path, name)
    (tmp_path / "b" / "config.yaml").write_text("schema_version: 2\n")
    (tmp_path / "c" / "result.json").write_text("{")
    with exclusive_lock(tmp_path / "d" / ".lock"):
        thinned = thin_runs(list_runs(tmp_path), tolerant=True)
    reasons = {run.run: run.reason for run in thinned.runs}
    assert reasons["a"].startswith("the best weights stay")
    assert all(reasons[name].startswith("passed over: ") for name in ("b", "c", "d"))
    kept = {path.parent.parent.name for path in Path(tmp_path).glob("*/checkpoints/last-*")}
    assert kept == {"b", "c", "d"}
