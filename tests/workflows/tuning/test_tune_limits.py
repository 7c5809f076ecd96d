"""What ends a sweep or keeps it from beginning: time, wrong choices, failures, Ctrl-C."""

import signal

import pytest
from small_sweeps import sweep

from cnnlab.errors import ConfigError, FailedError, Interrupted, MemoryLimitError
from cnnlab.sweeps import EngineSettings
from cnnlab.workflows.executors import InProcess


def test_a_time_is_kept(settings, tmp_path, monkeypatch):
    """On a clock of our own, where every training takes ten seconds."""
    now = [0.0]
    monkeypatch.setattr("cnnlab.workflows.sweep_study.monotonic", lambda: now[0])

    class Timed(InProcess):
        def run(self, next_job, on_epoch, on_end):
            def end(one):
                now[0] += 10
                on_end(one)

            super().run(next_job, on_epoch, end)

    tuned = sweep(tmp_path, settings, trials=None, seconds=95, confirm=1, seeds=2,
                  search=EngineSettings(pruner="none"), executor=Timed())  # fmt: skip
    # Four trainings, 40 s, are kept for confirmation: a trial begins up to second 45 only.
    assert len(tuned.history.trials) == 5
    assert len(tuned.history.fresh) in (2, 4)
    assert tuned.history.seconds <= 95


def test_values_that_do_not_fit_together_are_a_failed_trial(settings, tmp_path):
    space = {
        "training.class_weights": {"choice": ["none", "balanced"]},
        "training.sampling": {"choice": ["shuffle", "balanced"]},
    }
    search = EngineSettings(sampler="grid", pruner="none")
    short = {**settings, "training": {"epochs": 1}}
    tuned = sweep(tmp_path, short, space=space, trials=None, seeds=0, search=search)
    failed = [trial for trial in tuned.history.trials.values() if trial.state == "failed"]
    assert [trial.params for trial in failed] == [
        {"training.class_weights": "balanced", "training.sampling": "balanced"}
    ]
    assert "both balance the classes" in failed[0].said


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("optimizer.lrr", {"log": [1e-4, 1e-1]}, r"space, optimizer\.lrr: .*no option 'lrr'"),
        ("optimizer.lr", {"uniform": [0, 0.1]},
         r"space, optimizer\.lr: the value is 0.0; expected a"),
        ("training.epochs", {"uniform": [1, 3]},
         r"space, training\.epochs: .*; expected a whole number"),
        ("training.mode", {"choice": ["full", "fast"]},
         r"'fast'; expected one of full, sequential"),
        ("model.without", {"choice": [[], ["Dropuot"]]},
         r"space, model\.without: .*'Dropuot'.*did you mean 'Dropout'"),
        ("model.name", {"choice": ["model-f", "model-g"]}, r"space, model\.name: .*model-g"),
    ],
)  # fmt: skip
def test_every_choice_is_checked_before_anything_is_trained(key, values, said, settings, tmp_path):
    with pytest.raises(Exception, match=said) as caught:
        sweep(tmp_path, settings, space={key: values})
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_search_without_an_end_or_without_validation_is_refused(settings, tmp_path):
    with pytest.raises(ConfigError, match="a search needs an end"):
        sweep(tmp_path, settings, trials=None)
    blind = {**settings, "data": {**settings["data"], "validation": 0}}
    with pytest.raises(ConfigError, match="no validation image to judge by"):
        sweep(tmp_path, blind)


def test_trials_that_all_fail_end_the_sweep(settings, tmp_path, monkeypatch):
    def too_large(config, runs, watch, **more):
        raise MemoryLimitError("the network is too large")

    monkeypatch.setattr("cnnlab.workflows.continued.train_and_evaluate", too_large)
    with pytest.raises(FailedError, match="8 trials in a row failed, the last one: the network"):
        sweep(tmp_path, settings, trials=20)


def test_ctrl_c_says_how_to_go_on(settings, tmp_path):
    def interrupt(view):
        if view.last["event"] == "epoch":
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=r"go on with: cnnlab tune --resume .*/s") as caught:
        sweep(tmp_path, settings, trials=1, seeds=0, watch=interrupt)
    assert caught.value.exit_code == 130
    assert sweep(tmp_path, settings, trials=1, seeds=0).history.sessions == 2
