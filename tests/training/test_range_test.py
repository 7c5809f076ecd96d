"""The range test: the steps of the very training, at rising rates, and nothing left behind."""

import shutil

import numpy as np
import pytest
import torch
from small import write_images

from cnnlab.errors import ConfigError, MemoryLimitError
from cnnlab.training.events import BatchDone, RateTried
from cnnlab.training.fitter import Fitter
from cnnlab.training.loop import train
from cnnlab.training.range_test import _RisingFitter, range_test
from cnnlab.training.stages import Length
from cnnlab.training.trial import prepare_trial
from cnnlab.workflows.configure import configure

RATES = np.geomspace(1e-5, 1e-1, 12)


@pytest.fixture
def config(images, tiny_model):
    def make(*, source=images, **settings):
        training = {"epochs": 3, "batch_size": 16, **settings.pop("training", {})}
        return configure(
            settings={
                "data": {"source": str(source)},
                "model": {"name": str(tiny_model)},
                "training": training,
                "optimizer": {"name": "adam"},
                "device": "cpu",
                "threads": 1,
                **settings,
            }
        )

    return make


@pytest.fixture
def tried(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(config, rates=RATES, watch=lambda event: None):
        return range_test(config, rates, runs=tmp_path / "runs", watch=watch)

    return run


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(config, tried):
    first, second = tried(config()), tried(config())
    assert first.losses.tolist() == second.losses.tolist()
    assert first.rates.tolist() == RATES.tolist()
    assert tried(config(seed=1)).losses.tolist() != first.losses.tolist()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"augment": {"flip": "random", "translate": 1}, "label_smoothing": 0.2},
        {"class_weights": "balanced", "clip_norm": 0.1},
        {"mode": "sequential", "stage_size": 30, "inner_validation": 0.2, "sampling": "balanced"},
    ],
)
def test_its_steps_are_those_of_the_training(config, tried, tmp_path, settings):
    """At a rate that does not rise, losses are those of train, over the end of an epoch too."""
    wanted = config(training={**settings, "epochs": 4}, optimizer={"name": "adam", "lr": 0.01})
    losses, seen = [], 0

    def watch(event):
        nonlocal seen
        if isinstance(event, BatchDone) and event.stage == 1:
            total = event.loss * event.step * size
            losses.append(total - (seen if event.step > 1 else 0))
            seen = total

    images_an_epoch, batches = (24, 2) if "stage_size" in settings else (80, 5)
    size = images_an_epoch // batches
    train(wanted, tmp_path / "elsewhere", watch)
    steps = 2 * batches
    found = tried(wanted, np.full(steps, 0.01))
    assert found.losses.tolist() == pytest.approx(
        [total / size for total in losses[:steps]], rel=1e-5
    )


@pytest.mark.parametrize("training", [{"batch_size": 1000}, {"steps": 3}, {"epochs": 1}])
def test_it_goes_on_where_the_training_or_an_epoch_is_shorter(config, tried, training):
    assert len(tried(config(training=training)).losses) == len(RATES)


def test_nothing_is_written(config, tried, tmp_path):
    tried(config())
    assert list(tmp_path.rglob("*")) == []


def test_validation_and_test_images_are_not_looked_at(config, tried, tmp_path):
    found = []
    for seed in (1, 2):
        place = tmp_path / f"data {seed}"
        write_images(place / "train", each=20)
        for part in ("validation", "test"):
            write_images(place / part, each=10, seed=seed)
        found.append(tried(config(source=place)).losses.tolist())
        shutil.rmtree(place)
    assert found[0] == found[1]


def test_every_group_of_muon_rises_alike(config, tmp_path):
    rates = {"name": "muon", "lr": 0.2, "head_lr": 0.6, "bias_lr": 10}
    prepared = prepare_trial(config(optimizer=rates), tmp_path, lambda event: None)
    fitter = _RisingFitter(prepared, np.array([0.5, 2.0]))
    length = Length(batches=5, steps=15)
    fitter.set_learning_rate(length)
    assert [group["lr"] for group in fitter.optimizer.param_groups] == [0.1, 0.3, 5.0]
    fitter.state.position.total_steps = 1
    fitter.set_learning_rate(length)
    assert [group["lr"] for group in fitter.optimizer.param_groups] == [0.4, 1.2, 20.0]


def test_the_rate_of_the_configuration_does_not_matter_to_one_group(config, tried):
    low, high = (tried(config(optimizer={"name": "sgd", "lr": lr})) for lr in (1e-4, 0.5))
    assert low.losses == pytest.approx(high.losses, rel=1e-4)


def _losses(monkeypatch, values):
    """Let the steps have these losses."""
    left = iter(values)
    monkeypatch.setattr(
        Fitter, "step", lambda fitter, *_, **__: (_next(fitter, left), torch.tensor(0))
    )


def _next(fitter, left):
    fitter.state.position.total_steps += 1
    return torch.tensor(next(left))


def test_it_stops_where_the_loss_diverges(config, tried, monkeypatch):
    _losses(monkeypatch, [2.0, 1.0, 1.0, 1.0, 1.0, 50.0, 60.0])
    found = tried(config())
    assert found.losses.tolist() == [2.0, 1.0, 1.0, 1.0, 1.0, 50.0]
    assert (found.diverged, found.ended) == (True, "the loss grew to 4 times its lowest")
    assert len(found.rates) == len(found.smoothed) == 6


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_it_stops_where_the_loss_is_no_number(config, tried, monkeypatch, value):
    _losses(monkeypatch, [2.0, 1.5, value])
    found = tried(config())
    assert found.losses.tolist() == [2.0, 1.5]
    assert found.diverged
    assert found.ended == f"the loss became {value}"


def test_it_may_stop_before_the_first_loss(config, tried, monkeypatch):
    _losses(monkeypatch, [float("nan")])
    found = tried(config())
    assert len(found.rates) == len(found.losses) == len(found.smoothed) == 0


def test_those_who_watch_see_every_step(config, tried):
    seen = []
    found = tried(config(), watch=lambda event: seen.append(event))
    steps = [event for event in seen if isinstance(event, RateTried)]
    assert [event.step for event in steps] == list(range(1, len(RATES) + 1))
    assert [event.rate for event in steps] == found.rates.tolist()


def test_what_train_refuses_is_refused(config, tried, monkeypatch):
    with pytest.raises(ConfigError, match="no image is left to train on"):
        tried(config(training={"inner_validation": 0.999}))
    monkeypatch.setattr("cnnlab.training.room.available_memory", lambda: 1000)
    monkeypatch.setattr("psutil.swap_memory", lambda: type("Swap", (), {"free": 0}))
    with pytest.raises(MemoryLimitError, match="can be had"):
        tried(config())


def test_a_full_disk_is_no_hindrance(config, tried, monkeypatch):
    monkeypatch.setattr("cnnlab.training.room.free_disk", lambda folder: 0)
    assert len(tried(config()).losses) == len(RATES)
