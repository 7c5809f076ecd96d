"""Several seeds in one command: skipped, gone on with, added to, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from cnnlab.errors import ConfigError, DivergedError, Interrupted, RunError
from cnnlab.evaluation.compare import compare
from cnnlab.runs import list_runs, open_run
from cnnlab.training.events import BatchDone, Notice
from cnnlab.workflows import continued
from cnnlab.workflows.configure import configure
from cnnlab.workflows.seeds import parse_seeds, train_seeds


@pytest.fixture
def wanted(images, tiny_model):
    return configure(
        settings={
            "name": "tiny",
            "threads": 1,
            "data": {"source": str(images)},
            "model": {"name": str(tiny_model)},
            "training": {"epochs": 1, "batch_size": 16},
        }
    )


def test_an_interrupted_group_goes_on_and_grows(wanted, tmp_path):
    said = []
    started = 0

    def interrupt(event):
        nonlocal started
        started += isinstance(event, Notice) and event.text.startswith("tiny-seed")
        if started == 2 and isinstance(event, BatchDone):
            import signal

            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted, match="the same command again") as caught:
        train_seeds(wanted, [0, 1], tmp_path, interrupt)
    assert caught.value.exit_code == 143
    assert [open_run(tmp_path / f"tiny-seed{n}").status for n in (0, 1)] == [
        "finished",
        "unfinished",
    ]
    done = train_seeds(wanted, [0, 1, 2], tmp_path, said.append)
    notices = [event.text for event in said if isinstance(event, Notice)]
    assert sum(text.startswith("nothing to do") for text in notices) == 1
    assert [run.name for run in done.runs] == ["tiny-seed0", "tiny-seed1", "tiny-seed2"]
    assert all(run.status == "finished" for run in done.runs)
    assert [run.config["seed"] for run in done.runs] == [0, 1, 2]
    assert [run.split["validation"] for run in done.runs] == [done.runs[0].split["validation"]] * 3
    assert {run.group["name"] for run in done.runs} == {"tiny"}

    record = done.to_dict()["validation"]
    right = [(run.predictions("validation").classes
              == run.predictions("validation").labels).mean() for run in done.runs]  # fmt: skip
    assert record["top1"] == pytest.approx(np.mean(right))
    assert record["top1_sd"] == pytest.approx(np.std(right, ddof=1))
    if record["top1_sd"]:
        ends = stats.ttest_1samp(right, 0).confidence_interval()
        assert record["top1_interval"] == pytest.approx(np.clip([ends.low, ends.high], 0, 1))
    assert f"± {record['top1_sd']:.4f} (mean ± standard deviation of 3 seeds" in done.to_text()
    assert [recipe.label for recipe, _ in compare(done.runs).recipes] == ["tiny"]

    other = wanted.updated(training={"epochs": 2})
    with pytest.raises(RunError, match=r"another configuration: training\.epochs differ"):
        train_seeds(other, [3, 0], tmp_path)
    assert len(list_runs(tmp_path)) == 3


def test_what_was_measured_for_the_first_holds_for_all(wanted, tmp_path):
    measured = []

    def plan():
        measured.append(1)
        return wanted.updated(training={"steps": 2})

    train_seeds(wanted, [0], tmp_path, plan=plan)
    done = train_seeds(wanted, [0, 1], tmp_path, plan=plan)
    assert measured == [1]
    assert [run.config["training"]["steps"] for run in done.runs] == [2, 2]


def test_splits_vary_where_asked(wanted, tmp_path):
    done = train_seeds(wanted, [0, 1], tmp_path, vary_split=True)
    first, second = (run.split["validation"] for run in done.runs)
    assert first != second
    with pytest.raises(RunError, match="--vary-split differ"):
        train_seeds(wanted, [0], tmp_path)


def test_a_seed_that_diverges_is_noted_and_the_others_go_on(wanted, tmp_path, monkeypatch):
    train = continued.train_and_evaluate

    def diverging(config, runs, watch, **more):
        trained = train(config, runs, watch, **more)
        if config.seed == 0:
            raise DivergedError("the loss is nan", where="epoch 1")
        return trained

    monkeypatch.setattr(continued, "train_and_evaluate", diverging)
    done = train_seeds(wanted, [0, 1], tmp_path)
    assert done.failed == ["tiny-seed0: epoch 1: the loss is nan"]
    assert [value is None for value in done.top1] == [True, False]
    assert "validation accuracy" in done.to_text()


def test_a_run_of_that_name_that_is_of_no_group_is_refused(wanted, tmp_path):
    from cnnlab.training.loop import train

    train(wanted.updated(name="tiny-seed1"), tmp_path)
    with pytest.raises(RunError, match="tiny-seed1: exists already, and is of no group"):
        train_seeds(wanted, [0, 1], tmp_path)
    assert len(list_runs(tmp_path)) == 1


def test_runs_of_a_folder_below_runs_are_not_those_of_its_namesake(wanted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train_seeds(wanted, [0], Path("runs/mine"))
    done = train_seeds(wanted, [0], Path("mine"))
    assert [run.path for run in done.runs] == [Path("mine/tiny-seed0")]


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", [0, 1, 2]), ("0,1,5", [0, 1, 5]), (" 7 , 3 ", [7, 3])]
)
def test_how_seeds_are_read(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "two", "1,1", "1,,2", "1,", "1001", "nan"])
def test_what_says_no_seeds_is_refused(text):
    with pytest.raises(ConfigError, match=r"--seeds: .* says no seeds; expected how many"):
        parse_seeds(text)
