"""What a training leaves in its run directory, and what may be done with it."""

import shutil

import pytest
from small import write_model
from stopping import kill_at

from cnnlab.errors import (
    InputError,
    Interrupted,
    MemoryLimitError,
    RunError,
)
from cnnlab.inference import load_network
from cnnlab.runs import open_run
from cnnlab.training.loop import resume


def test_a_second_training_of_a_run_is_refused(fit, tmp_path):
    from cnnlab.files import exclusive_lock

    with pytest.raises(Interrupted):
        fit(kill_at(1), name="cut")
    run = open_run(tmp_path / "runs" / "cut")
    with exclusive_lock(run.path / ".lock"), pytest.raises(RunError, match="another training"):
        resume(run)


def test_a_run_needs_neither_its_models_file_nor_the_folder_it_was_started_in(
    fit, tmp_path, images, monkeypatch
):
    from cnnlab.evaluation.evaluate import evaluate

    shutil.copytree(images, tmp_path / "here")
    write_model(tmp_path)
    monkeypatch.chdir(tmp_path)
    run = fit(model={"name": "tiny.yaml"}, data={"source": "here"})
    (tmp_path / "tiny.yaml").unlink()
    monkeypatch.chdir(tmp_path / "runs")
    assert evaluate(open_run(run.path), "validation").scores.n == 20


def test_what_was_said_of_earlier_weights_is_forgotten_on_resume(fit, tmp_path):
    from cnnlab.evaluation.evaluate import evaluate
    from cnnlab.workflows.train import resume_and_evaluate

    with pytest.raises(Interrupted):
        fit(kill_at(12), name="cut", training={"epochs": 6})
    cut = open_run(tmp_path / "runs" / "cut")
    evaluate(cut)
    said = resume_and_evaluate(cut).validation.scores
    assert said.top1 == pytest.approx(cut.chosen_epoch["validation_accuracy"])


def test_case_15_a_kill_when_the_time_is_over_leaves_an_epoch_to_measure(
    fit, tmp_path, monkeypatch
):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    limit = {"time_limit_seconds": 1e-6, "checkpoint_every_seconds": 1e-6}
    with monkeypatch.context() as patched:
        patched.setattr("cnnlab.training.fitter.Fitter.measure", die)
        with pytest.raises(Killed):
            fit(name="cut", training=limit)
    run = resume(open_run(tmp_path / "runs" / "cut"))
    assert run.result["stopped_because"].startswith("time limit")
    assert run.chosen_epoch["epoch"] == len(run.metrics) == 1
    load_network(run)


def test_case_16_a_changed_configuration_is_refused_and_the_keys_named(fit, tmp_path):
    with pytest.raises(Interrupted):
        fit(kill_at(2), name="cut")
    run = open_run(tmp_path / "runs" / "cut")
    text = (run.path / "config.yaml").read_text()
    (run.path / "config.yaml").write_text(text.replace("lr: 0.01", "lr: 0.02"))
    with pytest.raises(RunError, match=r"changed since the training was cut off: optimizer\.lr"):
        resume(open_run(run.path))


def test_a_flipped_bit_in_the_weights_is_seen(fit):
    run = fit(training={"epochs": 1})
    content = bytearray(run.best_weights.read_bytes())
    content[-1] ^= 1
    run.best_weights.write_bytes(content)
    with pytest.raises(RunError, match=r"best\.safetensors: missing or damaged"):
        load_network(run)


def test_early_stopping_needs_images_to_watch(fit, tmp_path):
    with pytest.raises(InputError, match="no validation image to watch"):
        fit(data={"validation": 0}, training={"early_stopping": {"patience": 1}})
    assert not (tmp_path / "runs").exists()


def test_running_out_of_memory_is_one_line_and_recorded(fit, tmp_path, monkeypatch):
    import torch

    def fail(*arguments, **settings):
        raise torch.OutOfMemoryError("x")

    monkeypatch.setattr("cnnlab.training.loop.Batches", fail)
    with pytest.raises(MemoryLimitError, match="out of memory; use a smaller batch"):
        fit(name="full")
    assert open_run(tmp_path / "runs" / "full").status == "failed"
