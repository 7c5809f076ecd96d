"""The list: what is said of each run, names in addresses, groups of seeds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_runs import ODD_RUN
from statsmodels.stats.proportion import proportion_confint

from cnnlab.page.index import RunIndex, data_id, run_id
from cnnlab.page.listing import Listing
from cnnlab.runs import Run, list_runs


@settings(max_examples=50)
@given(st.text(min_size=1, max_size=150))
def test_no_name_reaches_an_address_but_as_letters_that_mean_nothing_there(name: str) -> None:
    for made in (run_id, data_id):
        assert set(made(name)) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-~"
        )
        assert made(name).strip("."), "neither . nor .."


def test_a_plain_name_stays_readable_and_no_other_run_can_pose_as_it() -> None:
    assert run_id("model-f_digits.2") == "model-f_digits.2"
    assert run_id("mnist+aug").startswith("~")  # "+" is a space in a query
    odd = run_id("../etc/passwd")
    assert odd.startswith("~")
    assert run_id(odd) != odd


def test_a_run_is_found_by_its_id_alone(kept: Path) -> None:
    index = RunIndex(kept)
    for run in list_runs(kept):
        found = index.find(run_id(run.name))
        assert found is not None
        assert found.path == run.path
    for other in ("../runs/first", "first/", ".", "..", "", str(kept / "first"), "First"):
        assert index.find(other) is None


def test_a_line_says_what_the_files_say(kept: Path) -> None:
    line = Listing().line(Run(kept / "first"))
    assert line is not None
    with np.load(kept / "first" / "predictions" / "validation.npz") as saved:
        right = int((saved["logits"].argmax(1) == saved["labels"]).sum())
        n = len(saved["labels"])
    assert (line.accuracy, line.n) == (right / n, n)
    assert line.interval == pytest.approx(proportion_confint(right, n, method="wilson"))
    architecture = Run(kept / "first").architecture().summary()
    assert line.params == architecture.total_params
    assert (line.model, line.data, line.epochs, line.planned) == ("tiny", "stripes", 2, 2)
    assert line.seconds == json.loads((kept / "first" / "result.json").read_text())["train_seconds"]
    assert line.usable


def test_what_is_half_written_or_damaged_is_listed_as_such(kept: Path) -> None:
    lines = {line.name: line for line in Listing().lines(list_runs(kept))}
    assert {name: line.status for name, line in lines.items()} == {
        "first": "finished",
        "second": "finished",
        "cut": "unfinished",
        ODD_RUN: "finished",
        "broken": "damaged",
        "torn": "damaged",
    }
    assert "metrics.jsonl, line 1" in (lines["broken"].problem or "")
    assert "split.json" in (lines["torn"].problem or "")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.yaml", "{"),
        ("config.yaml", "- 1\n"),
        ("config.yaml", "\0"),
        ("split.json", '{"dataset": 3}'),
        ("split.json", ""),
        ("result.json", "[]"),
        ("group.json", "{"),
        ("predictions/validation.npz", "no archive"),
    ],
)
def test_any_damaged_file_makes_the_run_a_damaged_one(runs: Path, file: str, content: str) -> None:
    (runs / "first" / file).write_text(content)
    line = Listing().line(Run(runs / "first"))
    assert line is not None
    assert line.status == "damaged"


def test_a_line_is_read_anew_when_a_file_has_changed(runs: Path) -> None:
    listing, run = Listing(), Run(runs / "cut")
    before = listing.line(run)
    assert listing.line(run) is before
    run.append("metrics.jsonl", {"stage": 1, "epoch": 3, "train_accuracy": 0.5})
    after = listing.line(run)
    assert before is not None
    assert after is not None
    assert (before.epochs, after.epochs) == (2, 3)


def test_runs_of_a_group_are_summed_up(runs: Path) -> None:
    for name in ("first", "second"):
        record = {"name": "both", "vary_split": False, "asked": {}}
        (runs / name / "group.json").write_text(json.dumps(record))
    listing = Listing()
    [group] = listing.groups(listing.lines(list_runs(runs)))
    values = [line.accuracy for line in group.lines]
    assert group.name == "both"
    assert group.summary is not None
    assert group.summary.mean == pytest.approx(np.mean(values))
    assert group.summary.deviation == pytest.approx(np.std(values, ddof=1))


def test_a_run_that_is_removed_meanwhile_has_no_line(runs: Path) -> None:
    run = Run(runs / "first")
    shutil.rmtree(runs / "first")
    assert Listing().line(run) is None


def test_the_trials_of_a_sweep_are_no_group_of_seeds(runs: Path) -> None:
    for number, name in enumerate(("first", "second")):
        record = {"name": "sweep", "vary_split": False, "asked": {}, "trial": number}
        (runs / name / "group.json").write_text(json.dumps(record))
    listing = Listing()
    assert listing.groups(listing.lines(list_runs(runs))) == []
