"""How a crew is conducted: one of actors, who do as their script says."""

import signal

import pytest
from sweeping import Sweep

from cnnlab.errors import FailedError, Interrupted
from cnnlab.workflows.executors import JobEnd
from cnnlab.workflows.executors import crew as crews
from cnnlab.workflows.executors.course import MOST_DEATHS
from cnnlab.workflows.executors.crew import Died, Ended, EpochEnded, WasInterrupted, conduct

DEATH, END, OTHER_STOP = "death", "end", "other stop"


class Actors:
    """Each job does what its script says, a step each time that somebody listens."""

    def __init__(self, scripts, room=2):
        self.scripts = {name: list(script) for name, script in scripts.items()}
        self.room, self.courses, self.answers, self.most, self.asked = room, [], [], 0, False

    @property
    def busy(self):
        return bool(self.courses)

    def start(self, course):
        if len(self.courses) == self.room:
            return False
        self.courses.append(course)
        self.most = max(self.most, len(self.courses))
        return True

    def events(self, seconds):
        return [self._event(course) for course in list(self.courses)]

    def _event(self, course):
        step = DEATH if self.asked else self.scripts[course.job.name].pop(0)
        if isinstance(step, int):
            record = {"stage": 1, "epoch": step, "train_accuracy": 0.5, "train_loss": 1.0}
            return EpochEnded(course, record)
        self.courses.remove(course)
        if step == DEATH:
            return Died(course, "killed by SIGKILL")
        if step == OTHER_STOP:
            return WasInterrupted(course, 143)
        return Ended(course, JobEnd(course.job, "done"))

    def answer(self, course, *, stop):
        self.answers.append((course.job.name, stop))

    def ask_to_stop(self):
        self.asked = True


@pytest.fixture
def play(job_of, tmp_path):
    """Conduct actors; what was told, and the crew."""

    def run(scripts, *, slots=2, room=2, react=None):
        sweep = Sweep([job_of(name, tmp_path) for name in scripts], react)
        sweep.crew = Actors(scripts, room)
        run.last = sweep
        conduct(sweep.crew, slots, sweep.next_job, sweep.on_epoch, sweep.on_end, sweep.watch)
        return sweep

    return run


def test_no_more_than_slots_and_room_allow(play):
    scripts = {name: [1, END] for name in "abcde"}
    assert play(scripts, slots=2, room=5).crew.most == 2
    done = play(scripts, slots=5, room=3)
    assert done.crew.most == 3
    assert set(done.ends) == set("abcde")
    assert done.log.count("next None") == 1


def test_epochs_that_are_done_again_are_not_told_again(play):
    done = play({"a": [1, 2, DEATH, 2, 3, END]})
    assert done.epochs == [("a", 1), ("a", 2), ("a", 3)]
    assert done.ends["a"].outcome == "done"
    assert sum("epoch 2" in text for text in done.notices) == 1
    assert "a: its worker died (killed by SIGKILL); another goes on with it" in done.notices


def test_who_asked_to_stop_is_not_asked_again(play):
    done = play({"a": [1, DEATH, 1, 2, END]}, react=lambda sweep, job, record: True)
    assert done.epochs == [("a", 1)]
    assert done.crew.answers == [("a", True), ("a", True), ("a", True)]


def test_a_job_that_kills_its_workers_fails(play):
    done = play({"a": [DEATH] * MOST_DEATHS, "b": [1, 2, 3, 4, END]})
    assert done.ends["b"].outcome == "done"
    end = done.ends["a"]
    assert end.outcome == "failed"
    assert isinstance(end.error, FailedError)
    assert "its worker died 3 times without a new checkpoint" in end.said
    assert "killed by SIGKILL" in end.said


def test_a_new_checkpoint_is_progress(play, tmp_path):
    def save(sweep, job, record):
        folder = tmp_path / "a" / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"last-{record['epoch']:09d}.safetensors").touch()

    script = [DEATH, DEATH, 1, DEATH, DEATH, 2, DEATH, DEATH, END]
    assert play({"a": script}, react=save).ends["a"].outcome == "done"
    (tmp_path / "a" / "checkpoints").rename(tmp_path / "old")
    script = [1, DEATH, DEATH, DEATH]
    assert play({"a": script}, react=save).ends["a"].outcome == "failed"


def test_an_error_of_the_caller_winds_the_others_down(play):
    def fail(sweep, job, record):
        raise FailedError("no more")

    with pytest.raises(FailedError, match="no more"):
        play({"a": [1], "b": [1], "c": []}, react=fail)
    assert play.last.crew.asked
    assert not play.last.crew.busy
    assert play.last.ends == {}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_case_18_a_signal_winds_all_down(play, number, code):
    with pytest.raises(Interrupted, match="the same command again") as caught:
        play({"a": [1, 2, 3], "b": []}, slots=1,
             react=lambda sweep, job, record: signal.raise_signal(number))  # fmt: skip
    assert caught.value.exit_code == code
    assert play.last.crew.asked
    assert play.last.log == ["next a"]


def test_a_worker_that_somebody_else_stops_ends_it_all(play):
    with pytest.raises(Interrupted) as caught:
        play({"a": [1, OTHER_STOP], "b": [1, 2, 3]})
    assert caught.value.exit_code == 143
    assert not play.last.crew.busy


def test_what_does_not_end_is_not_waited_for(play, monkeypatch):
    monkeypatch.setattr(crews, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(Interrupted):
        play({"a": [1, OTHER_STOP], "b": [1, 2, 3]})
    assert play.last.crew.busy
