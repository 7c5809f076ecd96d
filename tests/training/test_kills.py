"""SIGKILL at every step of the checkpoint protocol: what is resumed ends as if never killed."""

import multiprocessing
import os
import signal

import pytest
from kill_worker import INSTANTS, Trap, arm

from cnnlab.runs import open_run
from cnnlab.training import loop
from cnnlab.workflows.configure import configure
from cnnlab.workflows.same_bytes import differences
from cnnlab.workflows.train import resume_and_evaluate, train_and_evaluate

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="processes are forked"
)

MODES = {
    "full": {"epochs": 3, "batch_size": 16},
    "sequential": {"mode": "sequential", "stage_size": 40, "stages": 2, "inner_validation": 0.2,
                   "epochs": 2, "batch_size": 4},
}  # fmt: skip


def training_of(mode, images, tiny_model, name):
    return configure(
        settings={
            "name": name,
            "data": {"source": str(images), "validation": 30},
            "model": {"name": str(tiny_model)},
            "training": {
                **MODES[mode],
                "ema": 0.9,
                "augment": {"flip": "random", "translate": 1, "cutout": 2},
                "checkpoint_every_seconds": 1e-6,  # after every step
            },
            "optimizer": {"name": "adam", "lr": 0.01},
            "device": "cpu",
            "precision": "bf16",
            "threads": 1,
        }
    )


@pytest.fixture(scope="module", params=MODES)
def whole(request, images, tiny_model, tmp_path_factory):
    """How to configure a training, and the run of it that nobody killed."""
    runs = tmp_path_factory.mktemp("runs")

    def config(name):
        return training_of(request.param, images, tiny_model, name)

    return config, train_and_evaluate(config("whole"), runs).run


def in_a_fork(work, trap):
    """Do ``work`` in a child with the trap set; return the child's exit code, or -signal."""
    child = os.fork()
    if child == 0:
        code = 70  # whatever happens, no second pytest goes on from here
        try:
            arm(trap)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill(whole, name, instant, times):
    """Train or resume ``name`` up to an instant, and kill it there."""
    config, reference = whole
    runs = reference.path.parent

    def work():
        if (runs / name).exists():
            resume_and_evaluate(open_run(name, runs=runs))
        else:
            train_and_evaluate(config(name), runs)

    assert in_a_fork(work, Trap(instant, times)) == -signal.SIGKILL
    return open_run(name, runs=runs)


#: How often an instant is passed before the kill: a new run's first files are written at once.
TIMES = {"half-way through the predictions": 1, "before any flush": 25, "before any rename": 20}


@pytest.mark.parametrize("instant", INSTANTS)
def test_case_15_killed_there_it_goes_on_to_the_same_bytes(whole, instant, monkeypatch):
    _, reference = whole
    sequential = reference.config["training"]["mode"] == "sequential"
    if sequential:  # a checkpoint at every epoch's end, too
        monkeypatch.setattr(loop, "_EPOCH_SAVE_SECONDS", 0.0)
    name = f"at-{INSTANTS.index(instant)}"
    run = kill(whole, name, instant, TIMES.get(instant, 1 if sequential else 3))
    assert run.status == "unfinished" or instant == "half-way through the predictions"
    assert differences(run, reference) != []
    resume_and_evaluate(run)
    assert differences(run, reference) == []
    assert list(run.checkpoints.glob(".*")) == []


def test_case_14_killed_again_and_again_it_ends_with_the_same_bytes(whole):
    _, reference = whole
    for instant in INSTANTS:
        run = kill(whole, "chain", instant, 1)
    assert differences(run, reference) != []
    resume_and_evaluate(run)
    assert differences(run, reference) == []


def test_case_15_a_kill_after_the_last_file_but_one_leaves_no_old_progress(fit):
    run = resume_and_evaluate(fit()).run
    progress = run.path / "progress.md"
    whole = progress.read_text()
    assert "Finished" in whole
    progress.write_text("In progress")
    resume_and_evaluate(run)
    assert progress.read_text() == whole
