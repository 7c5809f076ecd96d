"""Who sits where: cores and GPUs of machines that are made up."""

import os
import time
from dataclasses import replace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import CnnlabError, ConfigError, DataError, FailedError, StorageError
from cnnlab.workflows.executors import InProcess, Job, JobEnd, Local
from cnnlab.workflows.executors import room as rooms
from cnnlab.workflows.executors.messages import end_from, end_to, job_from, job_to, unexpected
from cnnlab.workflows.executors.process import WorkerProcess
from cnnlab.workflows.executors.room import Room, Seat, places_for, visible_gpus, with_threads


def test_seats_are_cores_of_their_own_until_they_are_given_back():
    room = Room([(0, 4), (1, 5), (2, 6)])
    first, second = room.take(1, 0.0), room.take(2, 0.0)
    assert first.processors == {0, 4}
    assert second.processors == {1, 2, 5, 6}
    assert room.take(1, 0.0) is None
    room.give_back(second)
    assert room.take(1, 0.0).processors <= second.processors


@given(st.lists(st.sampled_from([0.25, 1 / 3, 0.5, 1.0]), max_size=30))
def test_no_gpu_is_given_more_than_once(shares):
    room = Room([()] * 30, {"0": 1.0, "1": 1.0})
    taken = [seat for share in shares if (seat := room.take(1, share)) is not None]
    for gpu in room.gpus:
        assert sum(seat.share for seat in taken if seat.gpu == gpu) <= 1 + 1e-6
    for seat in taken:
        room.give_back(seat)
    assert room.gpus == pytest.approx({"0": 1.0, "1": 1.0})
    assert len(room.cores) == 30


def test_halves_share_a_gpu_before_they_break_another():
    room = Room([()] * 9, {"0": 1.0, "1": 1.0})
    assert [room.take(1, 0.5).gpu for _ in range(2)] == ["0", "0"]
    assert room.take(1, 1.0).gpu == "1"
    assert room.take(1, 0.5) is None
    third = Room([()] * 9, {"0": 1.0})
    assert [third.take(1, 1 / 3) is None for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("workers", "share", "cores", "gpus", "places"),
    [
        (None, 1.0, 8, 0, (8, 0.0)),
        (3, 1.0, 8, 0, (3, 0.0)),
        (None, 1.0, 8, 2, (2, 1.0)),
        (None, 0.25, 16, 2, (8, 0.25)),
        (None, 1 / 3, 16, 1, (3, 1 / 3)),
        (None, 0.1, 4, 2, (4, 0.1)),
        (None, 0.0, 4, 2, (4, 0.0)),
        (4, 1.0, 4, 2, (4, 1.0)),
    ],
)
def test_how_many_at_the_same_time(workers, share, cores, gpus, places):
    assert places_for(workers, share, cores, gpus, why="said") == places


def test_workers_that_would_share_cores_are_refused():
    with pytest.raises(ConfigError, match=r"--workers: 5 workers would share 4 cores \(said\)"):
        places_for(5, 1.0, 4, 0, why="said")


def test_where_time_is_limited_nobody_is_bound_to_a_core(monkeypatch):
    monkeypatch.setattr(rooms, "cores_to_run_on", lambda: [(0,), (1,), (2,), (3,)])
    monkeypatch.setattr(rooms, "usable_cores", lambda: (2, "a quota"))
    assert Room.here().take(2, 0.0).processors == set()
    assert Room.here().take(3, 0.0) is None
    monkeypatch.setattr(rooms, "usable_cores", lambda: (4, "all"))
    assert Room.here().take(2, 0.0).processors == {0, 1}


@pytest.mark.parametrize(
    ("environment", "count", "names"),
    [
        ({}, 2, ["0", "1"]),
        ({"CUDA_VISIBLE_DEVICES": "3, 5"}, 2, ["3", "5"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b,-1"}, 2, ["GPU-a", "GPU-b"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, 0, []),
    ],
)
def test_gpus_keep_the_names_that_they_have_here(monkeypatch, environment, count, names):
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    assert visible_gpus(environment) == names


def test_threads_are_settled_before_a_training_begins(job_of, tmp_path, two_cores):
    job = job_of("settled", tmp_path, training={"epochs": 1})
    assert with_threads(job, 7).config.threads == 1
    assert Local(1)._threads == 2
    assert Local(2)._threads == 1
    undecided = replace(job, config=job.config.updated(threads=None))
    assert with_threads(undecided, 7).config.threads == 7
    InProcess().run(iter([job, None]).__next__, lambda job, record: False, lambda end: None)
    assert with_threads(undecided, 7).config.threads == 1, "the run has its own"


def test_a_worker_is_bound_to_its_seat_and_its_parent_is_not():
    before = os.sched_getaffinity(0)
    core = min(before)
    worker = WorkerProcess(Seat(((core,),), gpu=None))
    try:
        process = psutil.Process(worker.pid)
        assert process.cpu_affinity() == [core]
        own = process.environ()
        for _ in range(500):
            if "OMP_NUM_THREADS" in own:
                break
            time.sleep(0.01)  # it is about to begin: what is seen may still be its parent's
            own = process.environ()
        assert (own["OMP_NUM_THREADS"], own["CUDA_VISIBLE_DEVICES"]) == ("1", "")
        assert os.sched_getaffinity(0) == before
    finally:
        assert "killed by SIGKILL" in worker.end()


def test_jobs_and_ends_come_through_as_they_were(job_of, tmp_path):
    job = job_of("there", tmp_path, group={"name": "x", "asked": {"seed": 0}})
    assert job_from(job_to(job)) == job
    errors: list[CnnlabError] = [
        DataError("odd", where=tmp_path, expected="even", todo="add one"),
        StorageError("full"),
    ]
    for error in errors:
        back = end_from(job, end_to(JobEnd(job, "failed", str(error), error)))
        assert type(back.error) is type(error)
        assert str(back.error) == str(error) == back.said
    done = JobEnd(job, "done")
    assert end_from(job, end_to(done)) == done
    bug = unexpected(job, KeyError("x"))
    assert isinstance(bug.error, FailedError)
    assert "unexpected KeyError: 'x'" in bug.said
    with pytest.raises(ValueError, match="needs the name of its run"):
        Job(job.config.updated(name=None), tmp_path)
