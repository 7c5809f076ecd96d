"""Training that starts from another run's network."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file
from small import write_images, write_model
from starting import settings_of
from stopping import content, kill_at

from cnnlab.errors import ArchitectureError, ConfigError, InputError, Interrupted, RunError
from cnnlab.runs import open_run
from cnnlab.training.events import Notice
from cnnlab.training.loop import resume, train
from cnnlab.training.prepare import prepare_new_run
from cnnlab.workflows.configure import configure

HEAD = ("model.dense.weight", "model.dense.bias")


def first_tensors(run):
    """The checkpoint that was written before the first step, read by safetensors itself."""
    return load_file(run.checkpoints / "last-000000000.safetensors")


def test_training_starts_from_the_runs_weights_to_the_byte(start, base):
    run = start()
    taken, first = load_file(base.best_weights), first_tensors(run)
    assert {name for name in first if name.startswith("model.")} == set(taken)
    for name, tensor in taken.items():
        if name not in HEAD:
            assert first[name].tobytes() == tensor.tobytes(), name
    # class 1, class 2, zebra of class 0, class 1, class 2
    assert run.class_names == ["class 1", "class 2", "zebra"]
    for name in HEAD:
        assert first[name].shape == taken[name].shape
        assert first[name][:2].tobytes() == taken[name][1:].tobytes()
    assert not (first[HEAD[0]][2] == taken[HEAD[0]]).all(axis=1).any()
    assert load_file(run.best_weights)["model.conv2d.weight"].tobytes() != (
        taken["model.conv2d.weight"].tobytes()
    )


def test_images_are_shown_as_the_run_was_shown_them(start, base, pets, tmp_path):
    run = start()
    assert run.preprocessing == base.preprocessing
    plain = configure(settings=settings_of(pets, {"name": base.config["model"]["name"]}))
    assert train(plain, tmp_path / "plain").preprocessing["mean"] != run.preprocessing["mean"]


def test_images_of_any_size_and_mode_are_brought_to_the_runs_form(start, tmp_path):
    for label in ("class 1", "other"):
        (tmp_path / "grey" / label).mkdir(parents=True)
        for number in range(6):
            pixels = np.full((30, 20), 40 * number, dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "grey" / label / f"{number}.png")
    run = start(source=tmp_path / "grey", training={"epochs": 1})
    assert run.split["dataset"]["image_shape"] == [12, 12, 3]
    assert len(load_file(run.best_weights)[HEAD[0]]) == 2


@pytest.mark.parametrize("ema", [None, 0.9])
def test_frozen_layers_are_the_runs_to_the_byte_after_training(start, base, ema):
    run = start(init={"freeze": "features"}, optimizer={"weight_decay": 0.5}, training={"ema": ema})
    taken, best = load_file(base.best_weights), load_file(run.best_weights)
    assert any("moving_variance" in name for name in taken)
    for name, tensor in taken.items():
        assert (best[name].tobytes() == tensor.tobytes()) == (name not in HEAD), name
    record = json.loads((run.path / "init.json").read_text())
    assert (record["trained_params"], record["params"]) == (867, 867 + 8 * 28 + 16)


def test_a_layer_and_all_before_it_can_be_frozen(start, base):
    run = start(init={"freeze": "conv2d"})
    taken, best = load_file(base.best_weights), load_file(run.best_weights)
    kept = {name for name in taken if best[name].tobytes() == taken[name].tobytes()}
    assert kept == {"model.conv2d.weight", "model.conv2d.bias"}


def test_the_same_classes_keep_the_head(start, base, tmp_path):
    folder = write_images(tmp_path / "more", each=12, seed=4)
    run = start(source=folder, training={"epochs": 1})
    taken, first = load_file(base.best_weights), first_tensors(run)
    assert all(first[name].tobytes() == tensor.tobytes() for name, tensor in taken.items())
    renewed = start(source=folder, training={"epochs": 1}, init={"head": "new"})
    assert not np.array_equal(first_tensors(renewed)[HEAD[0]], taken[HEAD[0]])


def test_whitening_of_other_images_does_not_replace_what_is_taken(images, pets, tmp_path):
    model = {"name": "fastnet", "params": {"widths": [8], "depths": [1]}}
    one = train(configure(settings=settings_of(images, model, name="one")), tmp_path / "runs")
    asked = {**settings_of(pets, None), "init": {"run": "one"}}
    two = train(configure(settings=asked, runs=tmp_path / "runs"), tmp_path / "runs")
    name = "model.whitening_conv2d.weight"
    assert first_tensors(two)[name].tobytes() == load_file(one.best_weights)[name].tobytes()
    assert two.architecture().params["widths"] == [8]


def test_what_was_taken_is_said_and_kept(start, base):
    said = []
    run = start(lambda event: said.append(event), init={"freeze": "features"})
    lines = [event.text for event in said if isinstance(event, Notice)]
    (first,) = (line for line in lines if line.startswith("starts from"))
    assert "of the head (dense) the rows of class 1 and class 2 taken by name" in first
    assert first.endswith("those of zebra drawn anew")
    assert any(
        "frozen up to flatten: 867 of 1,107 parameters are trained" in line for line in lines
    )
    digest = hashlib.sha256(base.best_weights.read_bytes()).hexdigest()
    assert run.config["init"] == {"run": str(base.path), "freeze": "features", "head": "match",
                                  "weights_sha256": digest}  # fmt: skip
    progress = (run.path / "progress.md").read_text()
    assert f"Starts from {base.path} (weights {digest[:12]})" in progress
    assert "frozen up to flatten" in progress.lower()


def test_a_run_that_started_from_another_can_be_trained_again(start, base, tmp_path):
    first = start(init={"freeze": "conv2d"})
    again = train(configure(file=first.path / "config.yaml"), tmp_path / "again")
    assert content(again) == content(first)


@pytest.mark.parametrize("step", [1, 4, 5])
def test_case_18_it_goes_on_exactly_though_the_other_run_is_gone(start, base, tmp_path, step):
    settings = {"training": {"augment": {"flip": "random"}, "ema": 0.9, "batch_size": 10},
                "init": {"freeze": "conv2d"}}  # fmt: skip
    whole = start(**settings)
    with pytest.raises(Interrupted):
        start(kill_at(step), name="cut", **settings)
    shutil.rmtree(base.path)
    cut = open_run(tmp_path / "runs" / "cut")
    resume(cut)
    assert content(cut) == content(whole)


KILLED = """
import os, signal, sys
from pathlib import Path
from cnnlab.training.events import BatchDone
from cnnlab.training.loop import train
from cnnlab.workflows.configure import configure
seen = []
def watch(event):
    seen.extend([event] if isinstance(event, BatchDone) else [])
    if len(seen) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
train(configure(file=Path(sys.argv[1])).updated(name="cut"), Path(sys.argv[2]), watch)
"""


def test_case_14_it_goes_on_exactly_after_kill_9(start, base, tmp_path):
    whole = start(training={"batch_size": 10})
    done = subprocess.run(
        [sys.executable, "-c", KILLED, whole.path / "config.yaml", tmp_path / "runs"], check=False
    )
    assert done.returncode == -9
    base.best_weights.write_bytes(b"")
    cut = open_run(tmp_path / "runs" / "cut")
    assert [path.name for path in cut.checkpoints.glob("last-*")] == ["last-000000000.safetensors"]
    resume(cut)
    # The same steps: only the time of the checkpoints differs, and no file says it.
    assert content(cut) == content(whole)


def test_cut_off_before_its_first_checkpoint_it_needs_the_same_weights(start, base, pets, tmp_path):
    whole = start()
    asked = {**settings_of(pets, None), "name": "cut", "init": {"run": str(base.path)}}
    prepare_new_run(configure(settings=asked), tmp_path / "runs", lambda event: None)
    cut = open_run(tmp_path / "runs" / "cut")
    kept = base.path.rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"has no checkpoint yet and cannot start: .*no such run"):
        resume(cut)
    shutil.copytree(whole.path, base.path)
    with pytest.raises(RunError, match="the weights to start from have changed"):
        resume(cut)
    shutil.rmtree(base.path)
    kept.rename(base.path)
    resume(cut)
    assert content(cut) == content(whole)


def test_other_weights_in_the_same_place_are_refused(start, base, tmp_path):
    first = start()
    shutil.copyfile(first.best_weights, base.best_weights)
    with pytest.raises(RunError, match="the weights to start from have changed: their SHA-256"):
        train(configure(file=first.path / "config.yaml"), tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"init": {"run": "nothing"}}, RunError, "nothing: no such run"),
        ({"init": {"freeze": "conv2dd"}}, InputError, r"init\.freeze: no layer .*did you mean"),
        ({"init": {"freeze": "dense"}}, ConfigError, "is left to train"),
        ({"model": {"name": "model-c"}}, ConfigError, "model: model-c does not fit the run"),
        ({"normalization": "unit"}, ConfigError, "expected standard, as in"),
        ({"data": {"image_size": 16}}, ConfigError, r"data\.image_size: 16x16 .* expected 12x12"),
        ({"data": {"channels": 1}}, ConfigError, r"data\.channels: 1 .* expected 3"),
        ({"source": "digits"}, ConfigError, "Digits comes as .* expected 12x12x3, as"),
    ],
)
def test_what_does_not_fit_the_run_is_refused(start, tmp_path, settings, error, said):
    with pytest.raises(error, match=said):
        start(**settings)
    assert not (tmp_path / "runs").exists()


def test_a_model_that_is_the_runs_network_by_another_name_is_taken(start, base, tmp_path):
    run = start(model={"name": str(write_model(tmp_path))}, training={"epochs": 1})
    assert run.config["model"]["name"] == str(tmp_path / "tiny.yaml")
    widths = {"name": "fastnet", "params": {"widths": [8]}}
    with pytest.raises((ConfigError, ArchitectureError), match="does not fit the run"):
        start(model=widths)


def test_an_unfinished_run_has_no_weights_to_start_from(start, base):
    base.best_weights.unlink()
    with pytest.raises(RunError, match="no weights to start from yet; finish it first"):
        start()


def test_the_best_weights_so_far_of_a_run_that_was_cut_off_will_do(start, base):
    (base.path / "result.json").unlink()
    said = []
    start(lambda event: said.append(event), training={"epochs": 1})
    lines = [event.text for event in said if isinstance(event, Notice)]
    assert f"{base.path} is unfinished: its best weights so far are taken" in lines


@pytest.mark.parametrize("position", [0, 200, -1])
def test_damaged_weights_are_refused(start, base, tmp_path, position):
    damaged = bytearray(base.best_weights.read_bytes())
    damaged[position] ^= 1
    base.best_weights.write_bytes(damaged)
    with pytest.raises(RunError, match=r"best\.safetensors: missing or damaged"):
        start()
    assert not (tmp_path / "runs").exists()
