"""Trackers that follow a training: same as afterwards, whatever is cut off, and never its end."""

import shutil
import signal

import pytest
from tensorboard_reader import read, single
from tracking_runs import told

from cnnlab.errors import Interrupted
from cnnlab.runs import Run
from cnnlab.tracking import TRACKERS, Session, Target, Tracker, Tracking, targets_for, track
from cnnlab.tracking.event_files import EVENT_FILE
from cnnlab.tracking.identity import remember
from cnnlab.training.events import BatchDone, EpochDone, Notice, RunOpened
from cnnlab.workflows.configure import configure
from cnnlab.workflows.same_bytes import evidence
from cnnlab.workflows.train import resume_and_evaluate, train_and_evaluate

BOARD = [Target("tensorboard")]


@pytest.fixture(scope="module")
def settings(images, tiny_model):
    return configure(
        settings={
            "name": "followed",
            "data": {"source": str(images)},
            "model": {"name": str(tiny_model)},
            "training": {"epochs": 3, "batch_size": 16},
            "device": "cpu",
            "threads": 1,
        }
    )


@pytest.fixture(scope="module")
def untracked(settings, tmp_path_factory):
    """The run as it is when nobody follows it."""
    return train_and_evaluate(settings, tmp_path_factory.mktemp("untracked")).run


def follow(settings, runs, targets, watch=lambda event: None):
    with Tracking(targets, watch, every_seconds=0) as following:
        return train_and_evaluate(settings, runs, following).run


def test_a_followed_run_is_sent_as_it_goes_and_is_the_same_afterwards(
    settings, tmp_path, untracked
):
    seen = []

    def watch(event):
        path = tmp_path / "followed" / "tracking"
        if isinstance(event, BatchDone) and event.step == 1:
            seen.append(read(path).steps.get("train/loss", []))

    run = follow(settings, tmp_path, BOARD, watch)
    assert seen == [[], [1], [1, 2]]
    assert evidence(run) == evidence(untracked)
    shown = read(run.path / "tracking")
    assert {at: v for at, v in shown.curves.items() if at[0][:6] != "final/"} == single(told(run))
    assert ("final/validation/top1", 3) in shown.curves
    live = (run.path / "tracking" / EVENT_FILE).read_bytes()
    (run.path / "tracking" / EVENT_FILE).unlink()
    track([run], BOARD)
    assert (run.path / "tracking" / EVENT_FILE).read_bytes() == live


@pytest.mark.parametrize("step", [2, 9, 15])
def test_a_run_that_was_stopped_and_resumed_has_one_curve(settings, tmp_path, step):
    taken = []

    def stop(event):
        taken.extend([event] if isinstance(event, BatchDone) else [])
        if isinstance(event, BatchDone) and len(taken) == step:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted):
        follow(settings, tmp_path, BOARD, stop)
    run = Run(tmp_path / "followed")
    with Tracking(targets_for(run, []), lambda event: None, every_seconds=0) as following:
        resume_and_evaluate(run, following)
    shown = read(run.path / "tracking")
    assert shown.steps["train/loss"] == [1, 2, 3]
    assert {at: v for at, v in shown.curves.items() if at[0][:6] != "final/"} == single(told(run))


def test_a_run_that_was_killed_and_resumed_has_one_curve(settings, tmp_path):
    """A kill leaves no time to finish: lines that were sent may not be in the checkpoint."""

    class Killed(BaseException):
        pass

    def kill(event):
        if isinstance(event, EpochDone) and event.record["epoch"] == 2:
            raise Killed

    following = Tracking(BOARD, lambda event: None, every_seconds=0)

    def watch(event):
        following(event)
        kill(event)

    with pytest.raises(Killed):
        train_and_evaluate(settings, tmp_path, watch)
    run = Run(tmp_path / "followed")
    assert read(run.path / "tracking").steps["train/loss"] == [1, 2]
    for checkpoint in run.checkpoints.glob("last-*"):
        checkpoint.unlink()
    with Tracking(targets_for(run, []), lambda event: None) as again:
        resume_and_evaluate(run, again)
    shown = read(run.path / "tracking")
    assert shown.steps["train/loss"] == [1, 2, 3]
    assert {at: v for at, v in shown.curves.items() if at[0][:6] != "final/"} == single(told(run))


class Failing(Session):
    """Takes so many calls, and fails at the next."""

    place = look = "nowhere"

    def __init__(self, good):
        self.left = good

    def call(self):
        self.left -= 1
        if self.left < 0:
            raise ValueError("the disk\nis full")

    def send(self, points):
        self.call()

    def finish(self, outcome):
        self.call()


@pytest.mark.parametrize("good", [-1, 0, 2, 3])
def test_a_tracker_that_fails_costs_the_training_nothing(
    settings, tmp_path, untracked, monkeypatch, good
):
    def open_(subject, where):
        if good < 0:
            raise ValueError("no such place")
        return Failing(good)

    monkeypatch.setitem(TRACKERS._entries, "failing", Tracker((), "failing", open_))
    said = []

    def watch(event):
        said.extend([event.text] if isinstance(event, Notice) else [])

    run = follow(settings, tmp_path, [Target("failing", "a place"), *BOARD], watch)
    assert evidence(run) == evidence(untracked)
    [line] = [text for text in said if "failing" in text]
    assert "training is not touched" in line
    assert f"cnnlab track {run.path} --to failing --where 'a place'" in line
    assert "\n" not in line
    assert read(run.path / "tracking").steps["train/loss"] == [1, 2, 3]


def test_nothing_is_remembered_of_a_password(untracked, tmp_path):
    run = Run(shutil.copytree(untracked.path, tmp_path / "followed"))
    remember(run, [Target("mlflow", "http://me:secret@host"), *BOARD])
    assert targets_for(run, []) == BOARD
    assert "secret" not in (run.path / "tracking" / "tracking.json").read_text()
    assert "secret" not in Target("mlflow", "http://me:secret@host").options()


def test_runs_that_others_trained_are_sent_too(untracked, tmp_path):
    runs = [Run(shutil.copytree(untracked.path, tmp_path / f"seed{number}")) for number in range(2)]
    with Tracking(BOARD, lambda event: None) as following:
        following(RunOpened(runs[0].path))
        following.catch_up(runs)
        assert all(read(run.path / "tracking").steps["train/loss"] == [1, 2, 3] for run in runs)
