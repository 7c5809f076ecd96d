"""Sweeps from end to end on small images: searched, pruned, confirmed, killed, gone on with."""

import json
import multiprocessing
import os
import signal

import pytest
from small_sweeps import SPACE, sweep

from cnnlab.errors import RunError
from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.files import exclusive_lock
from cnnlab.runs import Run, list_runs, open_runs
from cnnlab.runs.records import read_lines
from cnnlab.settings import load_yaml
from cnnlab.sweeps import EngineSettings
from cnnlab.workflows.configure import configure
from cnnlab.workflows.train import train_and_evaluate
from cnnlab.workflows.tune import resume_sweep


@pytest.fixture(scope="module")
def done(settings, tmp_path_factory):
    """A sweep that nobody disturbed, and its folder."""
    folder = tmp_path_factory.mktemp("sweeps")
    return sweep(folder, settings), folder


def outcomes(tuned):
    """All that a sweep found, without times."""
    trials = [
        (one.number, one.params, one.state, one.value, [epoch.value for epoch in one.epochs])
        for one in tuned.history.trials.values()
    ]
    fresh = {key: run.value for key, run in tuned.history.fresh.items()}
    return trials, tuned.history.candidates, fresh


def test_the_base_is_trial_0_and_each_trial_an_ordinary_run(done, settings):
    tuned, _ = done
    trials = tuned.history.trials
    assert trials[0].params == {"optimizer.lr": 0.0005, "training.batch_size": 16}
    assert trials[0].state == "finished"
    assert len(trials) == 5
    runs = {run.name: run for run in list_runs(tuned.plan.runs)}
    assert {f"trial-{number:03d}" for number in range(5)} <= runs.keys()
    for number, trial in trials.items():
        run = runs[f"trial-{number:03d}"]
        assert run.config["optimizer"]["lr"] == trial.params["optimizer.lr"]
        assert run.config["training"]["batch_size"] == trial.params["training.batch_size"]
        assert run.group["name"] == "s"
        if trial.state == "finished":
            saved = run.predictions("validation")
            assert trial.value == pytest.approx((saved.classes == saved.labels).mean())
    whole = train_and_evaluate(
        configure(settings={**settings, "name": "alone"}), tuned.plan.folder / "other"
    )
    assert whole.validation.scores.top1 == trials[0].value


def test_test_stays_closed(done):
    tuned, _ = done
    for run in list_runs(tuned.plan.runs):
        assert run.ledger == []
        assert run.predictions("test") is None


def test_the_best_and_the_base_are_confirmed_on_fresh_seeds(done):
    tuned, _ = done
    ranked = tuned.history.ranked(larger=True)
    assert set(tuned.history.candidates) == {ranked[0].number, 0}
    for number in tuned.history.candidates:
        runs = open_runs([f"fresh-{number:03d}"], runs=tuned.plan.runs)
        assert [run.config["seed"] for run in runs] == [1, 2]
        assert len({run.split["validation"][0] for run in runs}) == 1
        assert tuned.history.fresh_values(number) == {
            run.config["seed"]: evaluation_of(run, "validation").scores.top1 for run in runs
        }
    record = tuned.to_dict()
    means = {one["trial"]: one["mean"] for one in record["candidates"]}
    assert record["winner"] == {
        "trial": max(means, key=means.get), "params": tuned.winner.params, "confirmed": True,
    }  # fmt: skip
    text = tuned.to_text()
    assert "of 2 fresh seeds" in text.replace("the mean of", "of")
    assert "luck" in text
    assert f"next: {record['train']}" in text


def test_what_is_written_can_be_read_and_trained(done, tmp_path):
    tuned, _ = done
    folder = tuned.plan.folder
    page = (folder / "report.html").read_text()
    assert "On fresh seeds" in page
    assert "Luck in the best trial" in page
    assert {path.name for path in (folder / "figures").iterdir()} == {
        "sweep-confirmation.svg", "sweep-history.svg", "sweep-parallel.svg",
    }  # fmt: skip
    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    assert [line["params"] for line in lines] == [
        trial.params for trial in tuned.history.trials.values()
    ]
    best = configure(file=folder / "best.yaml")
    assert best.name is None
    assert best.optimizer.lr == tuned.winner.params["optimizer.lr"]
    assert best.training.batch_size == tuned.winner.params["training.batch_size"]
    again = train_and_evaluate(best.updated(seed=1, name="again"), tmp_path)
    assert again.validation.scores.top1 == tuned.history.fresh[tuned.record.winner, 1].value
    assert load_yaml(folder / "sweep.yaml")["search"] == EngineSettings().to_dict()


def test_the_same_again_trains_nothing_and_more_budget_goes_on(done, settings, monkeypatch):
    tuned, folder = done
    before = outcomes(tuned)
    events = len(read_lines(tuned.plan.journal))
    with monkeypatch.context() as patch:
        patch.setattr("cnnlab.workflows.continued.train_and_evaluate", None)
        again = sweep(folder, settings)
        resumed = resume_sweep("s", sweeps=folder)
    assert outcomes(again) == outcomes(resumed) == before
    assert len(read_lines(tuned.plan.journal)) == events + 2  # two sessions
    longer = resume_sweep("s", sweeps=folder, budget={"trials": 6})
    assert len(longer.history.trials) == 6
    assert outcomes(longer)[0][:5] == before[0]


def test_other_settings_and_a_second_process_are_refused(done, settings):
    tuned, folder = done
    with pytest.raises(RunError, match=r"other settings: asked\.training\.epochs differ; choose"):
        sweep(folder, {**settings, "training": {"epochs": 2, "batch_size": 16}})
    with pytest.raises(RunError, match=r"search\.seed differ"):
        sweep(folder, settings, search=EngineSettings(seed=9))
    with pytest.raises(RunError, match=r"space\.optimizer\.lr"):
        sweep(folder, settings, space={**SPACE, "optimizer.lr": {"log": [1e-4, 1]}})
    with (
        exclusive_lock(tuned.plan.folder / ".lock"),
        pytest.raises(RunError, match="another sweep is using it"),
    ):
        resume_sweep("s", sweeps=folder)
    with pytest.raises(RunError, match=r"nothing: no sweep; expected a folder with a sweep.yaml"):
        resume_sweep("nothing", sweeps=folder)


def killing(kind, times):
    """A watcher that kills its process at an event of a kind."""
    seen = 0

    def watch(view):
        nonlocal seen
        seen += view.last["event"] == kind
        if seen == times:
            os.kill(os.getpid(), signal.SIGKILL)

    return watch


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="processes are forked"
)
def test_killed_in_trials_and_in_confirmation_it_ends_as_if_never_killed(done, settings, tmp_path):
    expected, _ = done
    for kind, times in (("epoch", 2), ("epoch", 3), ("end", 2), ("start", 1), ("fresh", 2)):
        child = os.fork()
        if child == 0:
            try:
                sweep(tmp_path, settings, watch=killing(kind, times))
            finally:
                os._exit(70)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    finished = sweep(tmp_path, settings)
    assert finished.history.sessions == 6
    assert outcomes(finished) == outcomes(expected)


def test_what_the_journal_missed_is_read_from_the_run(settings, tmp_path):
    """Killed between a line of metrics.jsonl and the journal's: the epoch counts all the same."""
    tuned = sweep(tmp_path, settings, trials=2, seeds=0)
    journal = tuned.plan.journal
    lines = journal.read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("trial") != 1
            or json.loads(line)["event"] == "start"]  # fmt: skip
    journal.write_text("".join(kept) + '{"event": "epo')  # and half a line
    again = sweep(tmp_path, settings, trials=2, seeds=0)
    assert outcomes(again) == outcomes(tuned)


def test_who_is_behind_is_stopped(settings, tmp_path):
    """Rates so small that nothing is learnt, beside one that learns, and is in the grid again."""
    space = {"optimizer.lr": {"choice": [0.01, 1e-9, 2e-9, 3e-9]}}
    good = {**settings, "optimizer": {"name": "adam", "lr": 0.01}}
    search = EngineSettings(sampler="grid", reduction=2)
    tuned = sweep(tmp_path, good, space=space, trials=None, seeds=0, search=search)
    trials = tuned.history.trials
    assert len(trials) == 5
    assert trials[0].state == "finished"
    pruned = [trial for trial in trials.values() if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        run = Run(tuned.plan.runs / f"trial-{trial.number:03d}")
        assert len(run.metrics) == len(trial.epochs) < 3
        assert run.status == "unfinished"
    assert tuned.record.winner == 0
    assert not tuned.record.confirmed
    assert "Not confirmed" in tuned.to_text()
    assert all(trial.last_value < trials[0].value for trial in pruned)


def test_who_ends_with_a_number_of_steps_is_not_stopped_at_the_end(settings, tmp_path):
    space = {"optimizer.lr": {"choice": [0.01, 1e-9, 2e-9, 3e-9]}}
    short = {**settings, "training": {**settings["training"], "steps": 4}}
    search = EngineSettings(sampler="grid", reduction=2, objective="loss")
    tuned = sweep(tmp_path, short, space=space, trials=None, seeds=0, search=search)
    assert {trial.state for trial in tuned.history.trials.values()} == {"finished"}
    assert all(len(trial.epochs) == 1 for trial in tuned.history.trials.values())
