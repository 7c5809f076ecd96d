"""A file in the run asks training to stop, as the page does it."""

import pytest
from stopping import content

from cnnlab.errors import Interrupted
from cnnlab.runs import open_run
from cnnlab.training.events import BatchDone
from cnnlab.training.loop import resume
from cnnlab.training.signals import StopRequest


def ask_at(step, runs, name):
    """A watcher that leaves the file after so many steps."""
    seen = []

    def watch(event):
        if isinstance(event, BatchDone):
            seen.append(event)
            if len(seen) == step:
                (runs / name / "stop").touch()

    return watch, seen


@pytest.fixture
def every_step(monkeypatch):
    """Look for the file after every step: these take a hundredth of a second."""
    monkeypatch.setattr("cnnlab.training.signals._LOOK_SECONDS", 0.0)


@pytest.mark.parametrize("step", [2, 5])
def test_case_18_a_training_that_was_asked_to_stop_goes_on_where_it_stood(
    fit, every_step, tmp_path, step
):
    whole = fit()
    watch, seen = ask_at(step, tmp_path / "runs", "cut")
    with pytest.raises(Interrupted, match="cnnlab train --resume") as caught:
        fit(watch, name="cut")
    assert caught.value.exit_code == 143
    assert len(seen) == step, "it stops after the step under way"
    cut = open_run(tmp_path / "runs" / "cut")
    assert cut.status == "unfinished"
    assert not cut.stop_file.exists()
    resume(cut)
    assert content(cut) == content(whole)


def test_what_was_asked_of_an_earlier_training_stops_no_later_one(fit, every_step, tmp_path):
    watch, _ = ask_at(1, tmp_path / "runs", "cut")
    with pytest.raises(Interrupted):
        fit(watch, name="cut")
    cut = open_run(tmp_path / "runs" / "cut")
    cut.stop_file.write_text("left by a page that was too late\n")
    assert resume(cut).status == "finished"
    assert not cut.stop_file.exists()


def test_the_file_is_looked_for_five_times_a_second_at_most(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("cnnlab.training.signals.time.monotonic", lambda: clock[0])
    with StopRequest(tmp_path / "stop") as stop:
        assert not stop.asked
        (tmp_path / "stop").touch()
        clock[0] += 0.1
        assert not stop.asked, "it was looked for a moment ago"
        clock[0] += 0.15
        assert stop.asked
        assert stop.exit_code == 143
    assert not (tmp_path / "stop").exists()
