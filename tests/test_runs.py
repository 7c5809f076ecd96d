import fcntl
import json
import os
import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from cnnlab.config import RunConfig
from cnnlab.errors import RunError, StorageError
from cnnlab.files import exclusive_lock, write_text
from cnnlab.runs import (
    Predictions,
    as_run_name,
    create_run,
    find_run,
    list_runs,
    open_run,
    open_runs,
)
from cnnlab.settings import dump_yaml, load_yaml


def new(folder, name="r", *, exact=False):
    facts = {"fingerprint": "f", "class_names": ["a", "b"]}
    files = {
        "config.yaml": RunConfig().to_yaml(),
        "split.json": {"dataset": facts, "train": [0], "validation": [1], "test": [2]},
    }
    return create_run(folder, name, files, exact=exact)


def test_names_that_are_taken_get_a_number(tmp_path):
    assert [new(tmp_path).name for _ in range(3)] == ["r", "r-2", "r-3"]
    with pytest.raises(RunError, match="exists already"):
        new(tmp_path, exact=True)
    assert {path.name for path in tmp_path.iterdir()} == {"r", "r-2", "r-3"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("best model", "best-model"),
        ("_old", "old"),
        ("a/b:ü", "a-b-ü"),
        ("***", "run"),
        ("x" * 200, "x" * 100),
    ],
)
def test_any_text_has_a_name_near_it(text, name):
    assert as_run_name(text) == name
    assert RunConfig().updated(name=name).name == name


def test_a_run_that_is_here_has_its_folder_s_name(tmp_path, monkeypatch):
    run = new(tmp_path, "mine")
    monkeypatch.chdir(run.path)
    assert (find_run(".").name, find_run("../mine").name) == ("mine", "mine")
    (run.path / "predictions" / "deep").mkdir()
    monkeypatch.chdir(run.path / "predictions")
    assert find_run("..").name == "mine"


def test_a_name_that_could_be_a_run_or_a_group_is_refused(tmp_path):
    for name in ("both", "both-seed0", "both-seed1"):
        run = new(tmp_path, name)
        if name != "both":
            write_text(run.path / "group.json", json.dumps({"name": "both"}))
    with pytest.raises(RunError, match="a run and a group of runs are called 'both'; name the run"):
        open_runs(["both"], runs=tmp_path)
    assert [run.name for run in open_runs([tmp_path / "both"], runs=tmp_path)] == ["both"]
    alone = new(tmp_path, "alone")
    write_text(alone.path / "group.json", json.dumps({"name": "alone"}))
    assert [run.name for run in open_runs(["alone"], runs=tmp_path)] == ["alone"]


def test_the_runs_of_a_group_come_by_seed_whatever_order_they_began_in(tmp_path):
    for name, seed in (("c-2", 10), ("c-0", 2), ("alone", 0), ("c-1", 3)):
        run = new(tmp_path, name)
        write_text(run.path / "config.yaml", RunConfig().updated(seed=seed).to_yaml())
        write_text(run.path / "group.json", json.dumps({"name": "c" if seed else None}))
    (new(tmp_path, "c-0-broken").path / "config.yaml").write_text("{")
    write_text(tmp_path / "c-0-broken" / "group.json", json.dumps({"name": "c"}))
    opened = [run.name for run in open_runs(["c", "alone"], runs=tmp_path)]
    assert opened == ["c-0", "c-1", "c-2", "c-0-broken", "alone"]


def test_a_group_s_name_where_one_run_is_wanted_is_said_with_its_runs(tmp_path):
    for seed in range(7):
        run = new(tmp_path, f"many-{seed}")
        write_text(run.path / "config.yaml", RunConfig().updated(seed=seed).to_yaml())
        write_text(run.path / "group.json", json.dumps({"name": "many"}))
    with pytest.raises(RunError, match=r"^many: a group of runs") as caught:
        find_run("many", runs=tmp_path)
    assert str(caught.value).endswith("; name one: many-0, many-1, many-2, many-3, many-4, …")
    with pytest.raises(RunError, match="no such run; did you mean 'many-0'"):
        find_run("many-00", runs=tmp_path)


def test_runs_created_at_once_get_different_names(tmp_path):
    threads = [threading.Thread(target=new, args=(tmp_path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list_runs(tmp_path)) == 8


def test_case_17_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        new(tmp_path / "file")


def test_case_17_a_run_that_was_not_made_to_its_end_is_removed_by_the_next(tmp_path):
    left = tmp_path / ".new-run-0123456789abcdef"
    left.mkdir()
    (left / "config.yaml").write_text("half")
    mine = tmp_path / ".mine.tmp"
    mine.mkdir()
    run = new(tmp_path)
    assert {*tmp_path.iterdir()} == {run.path, mine}


def test_what_another_process_is_making_is_not_removed(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        (tmp_path / ".new-run-0123456789abcdef").mkdir()
        new(tmp_path)
    finally:
        os.close(descriptor)
    assert (tmp_path / ".new-run-0123456789abcdef").exists()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("result.json", "{}", "damaged: 'status' is missing"),
        ("result.json", "[1]", "missing or damaged"),
        ("environment.json", '{"choices": 1}', "damaged: 'choices' is 1"),
        ("preprocessing.json", '{"mean": [0], "std": 1}', "damaged: 'std' is 1"),
    ],
)
def test_a_record_that_lacks_something_is_named(tmp_path, file, content, said):
    run = new(tmp_path)
    (run.path / file).write_text(content)
    with pytest.raises(RunError, match=rf"{file}: {said}"):
        getattr(run, file.partition(".")[0])


@pytest.mark.parametrize("file", ["metrics", "timing", "resources", "ledger", "inexact"])
def test_a_line_that_lacks_something_is_named(tmp_path, file):
    run = new(tmp_path)
    (run.path / f"{file}.jsonl").write_text("{}\n")
    with pytest.raises(RunError, match=rf"{file}\.jsonl, line 1: damaged: '\w+' is missing"):
        getattr(run, file)


def test_a_run_is_opened_by_path_or_name(tmp_path):
    run = new(tmp_path)
    assert open_run(run.path).path == run.path
    assert open_run("r", runs=tmp_path).path == run.path
    with pytest.raises(RunError, match="no such run"):
        open_run("q", runs=tmp_path)
    new(tmp_path, "model-f")
    with pytest.raises(RunError, match="did you mean 'model-f'"):
        open_run("model-g", runs=tmp_path)
    with pytest.raises(RunError, match=r"expected a folder with a config\.yaml"):
        open_run(tmp_path)


def test_predictions_come_back_and_are_the_same_bytes_each_time(tmp_path):
    run = new(tmp_path)
    logits = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    saved = Predictions(logits, np.array([0, 1, 0, 1, 0]), np.arange(5))
    assert run.predictions("validation") is None
    run.save_predictions("validation", saved)
    first = (run.path / "predictions" / "validation.npz").read_bytes()
    run.save_predictions("validation", saved)
    assert (run.path / "predictions" / "validation.npz").read_bytes() == first
    read = run.predictions("validation")
    assert np.array_equal(read.logits, logits)
    assert np.array_equal(read.classes, logits.argmax(1))


def test_damaged_files_are_named(tmp_path):
    run = new(tmp_path)
    (run.path / "predictions" / "test.npz").write_bytes(b"PK\x03\x04broken")
    with pytest.raises(RunError, match=r"test\.npz: damaged; run: cnnlab evaluate"):
        run.predictions("test")
    (run.path / "split.json").write_text("{")
    with pytest.raises(RunError, match=r"split\.json: missing or damaged"):
        _ = open_run(run.path).split
    (run.path / "metrics.jsonl").write_text('{"stage": 1, "epoch": 1}\nbroken\n')
    with pytest.raises(RunError, match=r"metrics\.jsonl, line 2: damaged"):
        _ = run.metrics


def test_a_line_cut_off_while_it_was_written_never_happened(tmp_path):
    run = new(tmp_path)
    run.append("metrics.jsonl", {"stage": 1, "epoch": 1})
    with (run.path / "metrics.jsonl").open("a") as stream:
        stream.write('{"epoch": 2')
    assert run.metrics == [{"stage": 1, "epoch": 1}]
    run.keep_lines("metrics.jsonl", 1)
    run.append("metrics.jsonl", {"stage": 1, "epoch": 2})
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_a_run_is_as_old_as_it_says_and_a_copy_no_younger(tmp_path):
    for name, created in (
        ("late", "2024-05-02T10:00:00+00:00"),
        ("early", "2024-05-02T11:00+02:00"),
    ):
        run, environment = new(tmp_path, name), {"created": created, "choices": {}}
        (run.path / "environment.json").write_text(json.dumps(environment))
        os.utime(run.path / "config.yaml", (0, 0))
    assert [run.name for run in list_runs(tmp_path)] == ["early", "late"]
    assert run.created == datetime(2024, 5, 2, 9, tzinfo=UTC)
    assert run.created.utcoffset() == run.created.astimezone().utcoffset()


@pytest.mark.parametrize("content", ["", '{"choices": {}}', '{"choices": {}, "created": "x"}'])
def test_a_run_that_does_not_say_its_age_is_as_old_as_its_settings(tmp_path, content):
    run = new(tmp_path)
    os.utime(run.path / "config.yaml", (1e9, 1e9))
    (run.path / "environment.json").write_text(content)
    assert run.created.timestamp() == 1e9
    (run.path / "config.yaml").unlink()
    with pytest.raises(RunError, match="was the run removed"):
        _ = run.created


def test_what_is_no_run_is_not_listed(tmp_path):
    new(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / ".r.tmp").mkdir()
    assert [run.name for run in list_runs(tmp_path)] == ["r"]
    assert list_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("99", "a newer cnnlab wrote it, schema version 99; expected 1, .*; upgrade cnnlab"),
        ("0", "schema version 0; expected 1, .*; is it the config.yaml of a run?"),
        ("new", "schema version new; expected 1"),
    ],
)
def test_another_schema_version_is_refused_where_the_run_is_opened(tmp_path, version, said):
    run = new(tmp_path)
    (run.path / "config.yaml").write_text(f"schema_version: {version}\n")
    with pytest.raises(RunError, match=said):
        open_run(run.path)
    assert find_run("r", runs=tmp_path).path == run.path


def test_a_run_whose_lock_is_held_is_running_until_its_result_is_written(tmp_path):
    run = new(tmp_path)
    assert run.status == "unfinished"
    with exclusive_lock(run.lock_file):
        assert run.status == "running"
        result = {"status": "finished", "stopped_because": "all epochs done", "epochs": 1,
                  "train_seconds": 1.0, "images_per_second": 1.0}  # fmt: skip
        (run.path / "result.json").write_text(json.dumps(result))
        assert run.status == "finished"
    assert run.status == "finished"


@pytest.mark.parametrize("part", ["logits", "labels", "indices"])
def test_predictions_that_do_not_fit_each_other_are_damaged(tmp_path, part):
    run = new(tmp_path)
    saved = {"logits": np.zeros((3, 2)), "labels": np.zeros(3), "indices": np.zeros(3)}
    saved[part] = saved[part][:2]
    np.savez(run.path / "predictions" / "test.npz", **saved)
    with pytest.raises(RunError, match=r"test\.npz: damaged"):
        run.predictions("test")


def test_settings_that_came_after_a_run_have_their_defaults(tmp_path):
    run = new(tmp_path, "older")
    config = load_yaml(run.path / "config.yaml")
    del config["training"]["steps"], config["training"]["watch_every"]
    write_text(run.path / "config.yaml", dump_yaml(config))
    older = open_run(run.path)
    assert "steps" not in older.config["training"]
    assert older.settings == {
        **older.config,
        "training": {**older.config["training"], "steps": None, "watch_every": 1},
    }
