"""Every executor does the same jobs, to the same bytes, and survives its workers."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec

import psutil
import pytest
from sweeping import Sweep, pretend_two_cores, printed

from cnnlab.errors import ConfigError, DivergedError, InputError, Interrupted
from cnnlab.runs import open_run
from cnnlab.training.checkpoint import last_checkpoints
from cnnlab.workflows.executors import EXECUTORS, InProcess, OnRay
from cnnlab.workflows.executors.messages import job_to
from cnnlab.workflows.executors.process import COMMAND
from cnnlab.workflows.executors.ray_cluster import open_cluster
from cnnlab.workflows.same_bytes import evidence
from cnnlab.workflows.seeds import train_seeds


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster of two cores, which executors use where it is there."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    with open_cluster(None, cores=2, gpus=0) as ray:
        yield ray


@pytest.fixture(scope="module")
def whole(job_of, tmp_path_factory):
    """The run that nothing happened to."""
    job = job_of("whole", tmp_path_factory.mktemp("whole"))
    Sweep([job]).run(InProcess())
    return open_run(job.path)


def make(name, watch, request):
    """An executor with two workers; Ray's send the run directories back, as from other machines."""
    if name == "ray":
        request.getfixturevalue("cluster")
        return OnRay(2, watch=watch, shared=False)
    return EXECUTORS.get(name)(None if name == "in-process" else 2, None, None, watch)


@pytest.fixture(scope="module", params=EXECUTORS.names())
def swept(request, job_of, tmp_path_factory):
    """Four jobs: one whose worker is killed, one that is stopped, two that fail."""
    runs = tmp_path_factory.mktemp("swept")
    jobs = [
        job_of("killed", runs, group={"name": "some"}),
        job_of("stopped", runs),
        job_of("diverging", runs, diverging=True),
        job_of("broken", runs, data={"source": str(runs / "nowhere")}),
    ]
    killed = []

    def react(sweep, job, record):
        assert threading.current_thread() is threading.main_thread()
        if (job.name, record["epoch"]) == ("killed", 2) and request.param != "in-process":
            killed.append(sweep.process_of(job.name))
            os.kill(killed[-1], signal.SIGKILL)
        return (job.name, record["epoch"]) == ("stopped", 2)

    sweep = Sweep(jobs, react)
    with pytest.MonkeyPatch.context() as patch, printed() as said:
        pretend_two_cores(patch)
        sweep.run(make(request.param, sweep.watch, request))
    sweep.printed = said
    sweep.name, sweep.runs, sweep.killed = request.param, runs, killed
    return sweep


def test_all_jobs_end_as_they_should(swept):
    outcomes = {name: end.outcome for name, end in swept.ends.items()}
    assert outcomes == {
        "killed": "done", "stopped": "stopped", "diverging": "failed", "broken": "failed",
    }  # fmt: skip
    assert swept.ends["killed"].said == ""
    assert swept.ends["stopped"].said == "stopped after epoch 2, as asked"
    assert isinstance(swept.ends["diverging"].error, DivergedError)
    assert "lower --lr" in swept.ends["diverging"].said
    assert isinstance(swept.ends["broken"].error, InputError)
    assert str(swept.runs / "nowhere") in swept.ends["broken"].said
    assert "\n" not in "".join(end.said for end in swept.ends.values())


def test_each_epoch_is_told_once(swept):
    told = [place for place in swept.epochs if place[0] != "diverging"]
    assert sorted(told) == [
        ("killed", 1), ("killed", 2), ("killed", 3), ("stopped", 1), ("stopped", 2),
    ]  # fmt: skip


def test_a_run_has_the_same_bytes_whoever_trained_it_and_though_its_worker_was_killed(swept, whole):
    run = open_run(swept.runs / "killed")
    assert evidence(run) == evidence(whole)
    assert run.status == "finished"
    assert run.group == {"name": "some"}
    assert {path.name for path in run.path.iterdir()} >= {
        path.name for path in whole.path.iterdir() if path.name != ".lock"
    } - {"group.json"}
    if swept.killed:
        assert any("its worker died" in text for text in swept.notices)
        assert swept.process_of("killed") not in swept.killed


def test_one_that_was_stopped_is_saved_and_can_go_on(swept, whole):
    run = open_run(swept.runs / "stopped")
    assert run.status == "unfinished"
    assert run.metrics == whole.metrics[:2]
    assert last_checkpoints(run)
    assert not run.stop_file.exists()


def test_workers_work_at_the_same_time_and_nothing_is_left_of_them(swept):
    first_end = next(n for n, text in enumerate(swept.log) if text.startswith("end"))
    started = 1 if swept.name == "in-process" else 2
    assert [text.split()[0] for text in swept.log[:first_end]] == ["next"] * started
    left = [path.name for path in swept.runs.iterdir() if path.name.startswith(".")]
    assert left == []
    assert not any("executors.worker" in " ".join(child.cmdline())
                   for child in psutil.Process().children())  # fmt: skip


def test_nothing_is_printed(swept):
    assert swept.printed == ["", ""]


def test_nothing_of_our_cluster_listens_beyond_this_machine(cluster):
    places = []
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # an idle worker of Ray's ends by itself
            places += [connection.laddr for connection in process.net_connections(kind="inet")
                       if connection.status == psutil.CONN_LISTEN]  # fmt: skip
    assert len(places) > 2
    assert {place.ip.removeprefix("::ffff:") for place in places} <= {"127.0.0.1", "::1"}


def test_case_18_interrupted_workers_save_their_run_and_end(job_of, tmp_path, two_cores):
    def interrupt(sweep, job, record):
        signal.raise_signal(signal.SIGTERM)

    sweep = Sweep([job_of("cut", tmp_path, training={"epochs": 5000})], interrupt)
    executor = EXECUTORS.get("local")(1, None, None, sweep.watch)
    with pytest.raises(Interrupted, match="the same command again") as caught:
        sweep.run(executor)
    assert caught.value.exit_code == 143
    assert sweep.ends == {}
    assert not psutil.pid_exists(sweep.process_of("cut"))
    run = open_run(tmp_path / "cut")
    assert run.status == "unfinished"
    assert last_checkpoints(run)


#: Starts a worker as the executor does, gives it its job, and is then killed.
_PARENT = """
import json, subprocess, sys, time
worker = subprocess.Popen(json.loads(sys.argv[1]), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          process_group=0)
worker.stdin.write(sys.argv[2].encode() + b"\\n")
worker.stdin.flush()
line = b""
while b'"epoch"' not in line:
    line = worker.stdout.readline()
print(worker.pid, flush=True)
worker.stdin.write(b'{"stop": false}\\n')
worker.stdin.flush()
time.sleep(600)
"""


def test_a_parent_that_is_killed_leaves_no_worker(job_of, tmp_path):
    job = job_of("orphan", tmp_path, training={"epochs": 100_000})
    arguments = [json.dumps(COMMAND), json.dumps(job_to(job))]
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, *arguments], stdout=subprocess.PIPE)
    with parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(timeout=60)
    run = open_run(job.path)
    assert run.status == "unfinished"
    assert last_checkpoints(run)


def test_seeds_are_trained_by_whoever_is_asked_to(job_of, tmp_path):
    class Reversed:
        """Trains the last one first."""

        slots = 3

        def run(self, next_job, on_epoch, on_end):
            jobs = list(iter(next_job, None))
            InProcess().run(iter([*reversed(jobs), None]).__next__, on_epoch, on_end)

    wanted = job_of("pets", tmp_path, training={"epochs": 1}).config
    done = train_seeds(wanted, [0, 1, 2], tmp_path, executor=Reversed())
    assert [run.name for run in done.runs] == ["pets-seed0", "pets-seed1", "pets-seed2"]
    assert {run.group["name"] for run in done.runs} == {"pets"}
    assert None not in done.top1


@pytest.mark.parametrize(
    ("name", "options", "where"),
    [
        ("in-process", (2, None, None), "--workers"),
        ("in-process", (None, "here:1", None), "--address"),
        ("in-process", (None, None, 0.5), "--gpus"),
        ("local", (None, "here:1", None), "--address"),
        ("local", (0, None, None), "--workers"),
        ("local", (3, None, None), "3 workers would share 2 cores"),
        ("local", (None, None, 1.5), "--gpus"),
        ("ray", (3, None, None), "3 workers would share 2 cores"),
        ("ray", (1, None, -1.0), "--gpus"),
    ],
)
def test_what_an_executor_cannot_do_is_refused(name, options, where, two_cores):
    with pytest.raises(ConfigError, match=where):
        EXECUTORS.get(name)(*options)


@pytest.mark.parametrize("address", ["nowhere", "host:port", "host:99999", ":1", "ray://"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ConfigError, match="is no address of a Ray cluster"), \
            open_cluster(address, cores=1, gpus=0):  # fmt: skip
        pass


def test_ray_that_is_missing_is_one_line(monkeypatch):
    monkeypatch.setattr("cnnlab.workflows.executors.ray_cluster.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'cnnlab\[ray\]'"):
        EXECUTORS.get("ray")(1, None, None)
