"""Two processes train as one does: the same losses, metrics and, where nothing rounds, bytes."""

import multiprocessing
import shutil
from unittest import mock

import numpy as np
import pytest
import torch
from forked import led, together
from stopping import content, kill_at

from cnnlab.errors import ConfigError, DeviceError, Interrupted, RunError
from cnnlab.inference import Preprocessing, digest_of_tensors, predict_logits
from cnnlab.models import load_architecture
from cnnlab.ranks import World
from cnnlab.runs import open_run
from cnnlab.training import loop, replica
from cnnlab.training.checkpoint import pack_optimizer
from cnnlab.training.events import unwatched
from cnnlab.training.fitter import Fitter
from cnnlab.training.loop import resume, train
from cnnlab.training.pace import measure_pace
from cnnlab.training.replica import Replica, check_ranks
from cnnlab.training.state import EpochSums
from cnnlab.training.trial import prepare_trial
from cnnlab.workflows.configure import configure

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="processes are forked"
)

#: No bias stands before batch normalisation, which takes it away again: its gradient is nothing but
#: rounding, of which Adam makes whole steps, and evaluation, by moving statistics, sees them.
WITH_NORM = """
layers:
  - {type: Conv2D, filters: 6, kernel_size: 3, padding: same, use_bias: false}
  - {type: BatchNormalization}
  - {type: Activation, activation: relu}
  - {type: MaxPooling2D, pool_size: 2}
  - {type: Flatten}
  - {type: Dense, units: 8, use_bias: false}
  - {type: BatchNormalization}
  - {type: Activation, activation: relu}
  - {type: Dense, units: classes}
"""
WITHOUT_NORM = """
layers:
  - {type: Conv2D, filters: 6, kernel_size: 3, activation: relu}
  - {type: GlobalAveragePooling2D}
  - {type: Dense, units: classes}
"""
AUGMENT = {"flip": "random", "translate": 1, "cutout": 2}
#: 80 images to train on. The last batches do not divide, and one has fewer images than ranks.
CASES = {
    "norm": {
        "model": {"name": "with.yaml"},
        "training": {"epochs": 2, "batch_size": 31, "augment": AUGMENT, "ema": 0.9},
    },
    "plain": {
        "model": {"name": "without.yaml"},
        "training": {"mode": "sequential", "stage_size": 35, "inner_validation": 0.2, "epochs": 2,
                     "batch_size": 9, "class_weights": "balanced", "label_smoothing": 0.1,
                     "clip_norm": 0.1},
    },
    "fastnet": {
        "model": {"name": "fastnet", "params": {"widths": [8, 8], "depths": [1, 1]}},
        "optimizer": {"name": "sgd", "lr": 0.05},
        "training": {"epochs": 2, "batch_size": 79,
                     "progressive_resizing": [{"scale": 0.75, "until": 0.6}]},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(images, tmp_path_factory):
    """The settings of a case, by its name."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "with.yaml").write_text(WITH_NORM)
    (folder / "without.yaml").write_text(WITHOUT_NORM)

    def of(case):
        chosen = CASES[case]
        model = dict(chosen["model"])
        if model["name"].endswith(".yaml"):
            model["name"] = str(folder / model["name"])
        return configure(
            settings={
                "data": {"source": str(images), "train": 80, "stratify": False},
                "optimizer": {"name": "adam", "lr": 0.01},
                "device": "cpu",
                "precision": "fp32",
                "threads": 1,
                **chosen,
                "model": model,
            }
        )

    return of


def losses_of(work):
    """Every step's loss while ``work()`` trains, what that gives, and a digest of the end state."""
    losses, fitters, add = [], [], EpochSums.add

    def note(self, loss, correct, count):
        losses.append(loss)
        add(self, loss, correct, count)

    class Kept(Fitter):
        def __init__(self, prepared):
            super().__init__(prepared)
            fitters.append(self)

    with mock.patch.object(EpochSums, "add", note), mock.patch.object(loop, "Fitter", Kept):
        done = work()
    packed, _ = pack_optimizer(fitters[0].optimizer)
    return losses, done, digest_of_tensors({**fitters[0].tensors(), **packed})


@pytest.fixture(scope="module")
def both(settings, tmp_path_factory):
    """Per case (losses, run) of one process and of two; and a run cut off, and gone on with."""
    runs, ours = tmp_path_factory.mktemp("two"), tmp_path_factory.mktemp("one")

    def work(ranks):
        found = {
            case: losses_of(lambda case=case: led(ranks, lambda: train(settings(case), runs)))
            for case in CASES
        }
        # TERM reaches rank 1 alone, and both stop after the same step.
        config = settings("norm").updated(name="cut")
        with (
            mock.patch.object(loop, "unwatched", kill_at(2)),
            pytest.raises(Interrupted, match=r"go on with: cnnlab train --resume .* --devices 2"),
        ):
            led(ranks, lambda: train(config, runs))
        if ranks.leads:
            shutil.copytree(runs / "cut", runs / "left")
        led(ranks, lambda: resume(open_run(runs / "cut")))
        pace = led(
            ranks,
            lambda: measure_pace(prepare_trial(settings("plain"), runs, unwatched), seconds=0.1),
        )
        said = {case: (losses, digest) for case, (losses, _, digest) in found.items()}
        return said, _predicted(ranks), pace

    (lead, predicted, pace), (other, _, _) = together(work)
    # Every rank knows every figure, for all decide by them, and has the same weights to the bit.
    assert lead == other
    one = {case: losses_of(lambda case=case: train(settings(case), ours)) for case in CASES}
    names = {case: run.name for case, (_, run, _) in one.items()}
    return {
        "one": {case: (losses, run) for case, (losses, run, _) in one.items()},
        "two": {case: (lead[case][0], open_run(runs / names[case])) for case in CASES},
        "runs": runs,
        "predicted": predicted,
        "pace": pace,
    }


def _predicted(ranks):
    """Whether 1,300 images get the logits of one process, in an order of their own."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (1300, 8, 8, 3), dtype=np.uint8)
    rows = generator.permutation(1300)[:1111]
    network = load_architecture("resnet18", input_shape=(8, 8, 3), classes=4).build()
    torch.manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    scale = Preprocessing((0.5,) * 3, (0.25,) * 3, (8, 8))
    shared = Replica(network, ranks, 4).predict_logits(
        network, images, scale, rows=rows, precision="fp32"
    )
    return np.array_equal(shared, predict_logits(network, images, scale, rows=rows))


@pytest.mark.parametrize("case", CASES)
def test_every_step_has_the_loss_that_one_process_has(both, case):
    (one, _), (two, _) = both["one"][case], both["two"][case]
    assert len(one) == len(two) >= 4
    assert np.abs(np.array(one) - np.array(two)).max() < 1e-5


@pytest.mark.parametrize("case", CASES)
def test_counts_and_means_are_over_all_images(both, case):
    (_, one), (_, two) = both["one"][case], both["two"][case]
    assert [line.keys() for line in one.metrics] == [line.keys() for line in two.metrics]
    for ours, theirs in zip(one.metrics, two.metrics, strict=True):
        for key, value in ours.items():
            expected = value if key.endswith("accuracy") else pytest.approx(value, abs=1e-5)
            assert theirs[key] == expected, key
    assert two.environment["processes"] == 2
    assert "processes" not in one.environment


def test_logits_of_several_ranks_are_those_of_one_to_the_byte(both):
    assert both["predicted"]


def test_a_pace_is_measured_by_all_ranks_together(both):
    assert both["pace"].steps >= 2
    assert both["pace"].step_seconds > 0


def test_a_resumed_training_of_two_ends_with_the_same_bytes(both):
    whole, cut = both["two"]["norm"][1], open_run(both["runs"] / "cut")
    assert content(cut) == content(whole)
    assert cut.status == "finished"


def test_another_number_of_processes_is_refused_or_inexact(both, tmp_path):
    shutil.copytree(both["runs"] / "left", tmp_path / "left")
    left = open_run(tmp_path / "left")
    with pytest.raises(RunError) as caught:
        resume(left)
    assert str(caught.value) == (
        f"{left.path}: it would not go on exactly: processes 1 (was 2); go on with --devices 2, "
        f"or: cnnlab train --resume {left.path} --inexact, which the run and its report will say"
    )
    resume(left, inexact=True)
    assert left.status == "finished"
    assert left.inexact[0]["changed"] == ["processes 1 (was 2)"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"training": {"batch_size": 3}}, "training.batch_size: a batch of 3 cannot be divided"),
        ({"device": "mps"}, "--devices: 4 processes cannot share mps"),
        ({"device": "cuda:1"}, "--devices: 4 processes cannot share cuda:1"),
        ({"device": "cuda"}, "--devices: 4 processes, and torch finds 2 GPUs here"),
        ({"compile": "on"}, "compile: compiling for several devices is untried"),
    ],
)
def test_what_several_processes_cannot_train_is_refused(monkeypatch, settings, changed, said):
    config = settings("norm").updated(**changed)
    check_ranks(config)
    monkeypatch.setattr(replica, "world", lambda: World(0, 4, 0, 4))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises((ConfigError, DeviceError)) as caught:
        check_ranks(config)
    assert str(caught.value).startswith(said)
