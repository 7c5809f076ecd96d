"""The list and the card of runs: whole, cut off, damaged in every file, or from a later cnnlab."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import make_run

from cnnlab.errors import UnknownNameError
from cnnlab.files import exclusive_lock
from cnnlab.runs import Run, find_run
from cnnlab.workflows.overview import overview
from cnnlab.workflows.run_card import card_of


def bytes_in(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def card(run):
    """The card as JSON, which must have every value and its text."""
    shown = card_of(run)
    assert shown.to_text().startswith(str(run.path))
    return json.loads(json.dumps(shown.to_dict(), allow_nan=False))


def test_the_list_says_what_stands_in_the_run(tmp_path):
    run = make_run(tmp_path, "a")
    run.append("ledger.jsonl", {"time": "t", "command": "c", "split": "test", "n": 2, "top1": 0.5})
    (line,) = overview(tmp_path).runs
    assert (line.run, line.status, line.problem) == ("a", "finished", None)
    assert (line.model, line.data) == ("fastnet", "pets")
    assert (line.epochs, line.validation_accuracy, line.test_openings) == (2, 0.75, 1)
    assert line.size_bytes == bytes_in(run.path)
    text = overview(tmp_path).to_text()
    assert text.splitlines()[0].split()[:3] == ["run", "status", "began"]
    assert "0.7500" in text
    assert overview(tmp_path / "nothing").to_text() == f"no runs in {tmp_path / 'nothing'}"


def test_every_status_is_told_apart(tmp_path):
    make_run(tmp_path, "finished")
    make_run(tmp_path, "failed", status="failed")
    make_run(tmp_path, "cut", status=None)
    (make_run(tmp_path, "newer").path / "config.yaml").write_text("schema_version: 2\n")
    (make_run(tmp_path, "broken").path / "metrics.jsonl").write_text("no json\n")
    running = make_run(tmp_path, "running", status=None)
    with exclusive_lock(running.lock_file):
        lines = {line.run: line for line in overview(tmp_path).runs}
        cards = {name: card(find_run(name, runs=tmp_path)) for name in lines}
    said = {
        "finished": "finished", "failed": "failed", "cut": "unfinished", "newer": "newer",
        "broken": "damaged", "running": "running",
    }  # fmt: skip
    assert {name: line.status for name, line in lines.items()} == said
    assert {name: shown["status"] for name, shown in cards.items()} == said
    assert "schema version 2; expected 1" in lines["newer"].problem
    assert "metrics.jsonl, line 1: damaged" in lines["broken"].problem


def test_runs_are_sorted_as_asked(tmp_path):
    for age, (name, right) in enumerate([("b", 0.5), ("c", None), ("a", 0.9)]):
        run = make_run(tmp_path, name)
        os.utime(run.path / "config.yaml", (1e9 + age, 1e9 + age))
        (run.path / "progress.md").write_text("x" * (10_000 * age))
        predictions = run.path / "predictions" / "validation.npz"
        if right is None:
            predictions.unlink()
        elif right > 0.5:
            saved = run.predictions("validation")
            right_ones = replace(saved, labels=saved.classes)
            run.save_predictions("validation", right_ones)

    def names(**how):
        return "".join(line.run for line in overview(tmp_path, **how).runs)

    assert names() == "bca"
    assert names(reverse=True) == "acb"
    assert names(sort="name") == "abc"
    assert names(sort="size") == "acb"
    assert names(sort="validation") == "abc"
    with pytest.raises(UnknownNameError, match="did you mean 'size'"):
        overview(tmp_path, sort="sise")


def test_the_card_says_everything_of_a_run(tmp_path):
    run = make_run(tmp_path, "a")
    shown = card(run)
    assert shown["model"]["name"] == "tiny"
    assert shown["model"]["total_params"] == 3 * 3 * 3 * 4 + 4 + 4 * 2 + 2
    assert shown["data"]["fingerprint"] == "0123456789abcdef" * 4
    assert shown["data"]["split"] == {"train": 6, "validation": 4, "test": 2}
    assert shown["changed_settings"] == {
        "optimizer.name": {"value": "adam", "default": "muon"},
        **shown["changed_settings"],
    }
    assert shown["changed_settings"]["training.epochs"]["value"] == 2
    assert shown["plan"] == {"stages": 1, "epochs": 2}
    assert shown["training"]["epochs"] == 2
    assert shown["training"]["chosen_epoch"] == {"stage": 1, "epoch": 2}
    assert shown["validation"]["top1"] == 0.75
    assert shown["validation"]["n"] == 4
    low, high = shown["validation"]["top1_interval"]
    assert low < 0.75 < high
    assert shown["test"] is None
    assert shown["ledger"] == []
    assert shown["size_bytes"] == sum(shown["files"].values()) == bytes_in(run.path)
    assert f"cnnlab report {run.path}" in shown["next"]
    assert f"cnnlab runs thin {run.path}" in shown["next"]
    text = card_of(run).to_text()
    assert "training.epochs 2 (default 8)" in text
    assert "test was never opened" in text


def test_the_card_counts_the_epochs_that_a_number_of_steps_begins(tmp_path):
    run = make_run(tmp_path, "a")
    config = run.typed_config().updated(training={"epochs": 8, "batch_size": 3, "steps": 3})
    (run.path / "config.yaml").write_text(config.to_yaml())
    assert card(Run(run.path))["plan"] == {"stages": 1, "epochs": 2}


def test_what_a_run_without_images_for_validation_lacks_is_said(tmp_path):
    run = make_run(tmp_path, "a b")
    run._predictions_file("validation").unlink()
    again = f"cnnlab evaluate '{run.path}'"
    assert again in card(run)["next"]
    record = run.split | {"validation": []}
    (run.path / "split.json").write_text(json.dumps(record))
    shown = card(run := Run(run.path))
    assert again not in shown["next"]
    assert f"{again} --split test" in shown["next"]
    assert "validation  its split holds no image" in card_of(run).to_text()


@pytest.mark.parametrize(("vary", "more"), [(False, ""), (True, ", which draws another split")])
def test_the_card_says_the_group_that_a_run_is_of(tmp_path, vary, more):
    run = make_run(tmp_path, "a")
    assert card(run)["group"] is None
    assert "  group " not in card_of(run).to_text()
    group = {"name": "tiny", "vary_split": vary, "asked": {}}
    (run.path / "group.json").write_text(json.dumps(group))
    assert card(run)["group"] == {"name": "tiny", "seed": 0, "vary_split": vary}
    assert f"  group       seed 0 of tiny{more}" in card_of(run).to_text()
    (run.path / "group.json").write_text("{}")
    assert card(run)["status"] == "damaged"
    assert "group.json" in card(run)["problems"][0]


def test_the_card_of_a_run_that_was_cut_off_knows_its_best_epoch_and_how_to_go_on(tmp_path):
    run = make_run(tmp_path, "a", status=None)
    shown = card(run)
    assert shown["training"]["chosen_epoch"] == {"stage": 1, "epoch": 2}
    assert shown["training"]["train_seconds"] == 3.0
    assert shown["next"][0] == f"cnnlab train --resume {run.path}"


def test_a_path_with_a_blank_can_be_copied_from_the_card(tmp_path):
    run = make_run(tmp_path / "my runs", "a")
    assert f"cnnlab report '{run.path}'" in card_of(run).to_text()


FILES = (
    "config.yaml", "environment.json", "split.json", "architecture.yaml", "metrics.jsonl",
    "timing.jsonl", "result.json", "ledger.jsonl", "predictions/validation.npz",
    "predictions/test.npz", "checkpoints/best.safetensors",
)  # fmt: skip


CONTENTS = (
    b"", b"\xff\xfe\x00", b"[]\n", b"{}\n", b'{"a": 1}\n', b"3\n", b'"text"\n', b"null\n", None
)  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_no_file_of_a_run_can_crash_the_list_or_the_card(tmp_path, file):
    run = make_run(tmp_path, "a")
    path = run.path / file
    for content in CONTENTS:
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        if file == "config.yaml" and content is None:
            assert overview(tmp_path).runs == []
            continue
        (line,) = overview(tmp_path).runs
        assert line.status in {"finished", "unfinished", "damaged"}
        assert line.size_bytes == bytes_in(run.path)
        assert overview(tmp_path).to_text()
        shown = card(run)
        assert shown["status"] in {"finished", "unfinished", "damaged"}
        assert all("\n" not in problem for problem in shown["problems"])


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    """A whole run, whose files a property test changes and puts back."""
    run = make_run(tmp_path_factory.mktemp("runs"), "a")
    run.append("ledger.jsonl", {"time": "t", "command": "c", "split": "test", "n": 2, "top1": 0.5})
    return run


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=40)
@given(data=st.data())
def test_no_value_in_a_runs_json_can_crash_the_list_or_the_card(one_run, data):
    """Any value of any key of any JSON file replaced by any other."""
    file = data.draw(st.sampled_from([name for name in FILES if ".json" in name]))
    path = one_run.path / file
    before = path.read_text(encoding="utf-8")
    content = json.loads(before.splitlines()[0] if file.endswith("l") else before)
    holder = content
    while True:
        key = data.draw(st.sampled_from(sorted(holder)))
        if not isinstance(holder.get(key), dict) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(JSON)
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
    try:
        overview(one_run.path.parent).to_text()
        card(one_run)
    finally:
        path.write_text(before, encoding="utf-8")


def test_case_11_no_name_acts_on_the_terminal(tmp_path):
    run = make_run(tmp_path, "a")
    split = json.loads((run.path / "split.json").read_text())
    split["dataset"]["name"] = "\x1b[2Jpets\nfinished"
    (run.path / "split.json").write_text(json.dumps(split))
    for text in (overview(tmp_path).to_text(), card_of(run).to_text()):
        assert "?[2Jpets?finished" in text


def test_files_that_vanish_meanwhile_are_no_error(tmp_path, monkeypatch):
    run = make_run(tmp_path, "a")
    link = run.path / "figures" / "gone"
    link.symlink_to("nowhere")
    lstat = Path.lstat

    def vanish(path):
        if path.name == "validation.npz":
            raise FileNotFoundError
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", vanish)
    shown = card_of(Run(run.path)).to_dict()
    assert "predictions/validation.npz" not in shown["files"]
    assert "figures/gone" in shown["files"]
