"""Finding a learning rate, from Python."""

import numpy as np
import pytest

import cnnlab
from cnnlab.config import RunConfig
from cnnlab.errors import ConfigError
from cnnlab.training.range_test import RangeTest
from cnnlab.training.rate_rules import smooth
from cnnlab.workflows import find_lr as module
from cnnlab.workflows.configure import configure


@pytest.fixture
def wanted(images, tiny_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(**settings):
        return configure(
            settings={
                "data": {"source": str(images)},
                "model": {"name": str(tiny_model)},
                "training": {"batch_size": 16},
                "device": "cpu",
                "threads": 1,
                **settings,
            }
        )

    return make


@pytest.fixture
def measured(wanted, monkeypatch):
    """The result for losses that are given, a step each."""

    def make(losses, *, optimizer=None, steps=None, diverged=False):
        def instead(config, rates, **_):
            values = np.array(losses, dtype=float)
            ended = "the loss became nan" if diverged else "all steps done"
            smoothed = smooth(values, len(rates))
            return RangeTest(rates[: len(values)], values, smoothed, ended, diverged)

        monkeypatch.setattr(module, "range_test", instead)
        config = wanted(optimizer=optimizer or {"name": "adam"})
        return cnnlab.find_lr(config, steps=steps or len(losses), low=1e-6, high=100)

    return make


FALL = np.interp(np.linspace(-6, 2, 81), [-6, -3, -1, 2], [2.0, 2.0, 1.0, 3.0])


def test_a_real_search_suggests_a_rate_that_learns(wanted, tmp_path):
    found = cnnlab.find_lr(wanted(optimizer={"name": "adam"}), steps=60)
    assert 1e-3 < found.suggestion < 1
    assert found.problem is None
    assert found.test.rates[0] == pytest.approx(1e-6)
    assert list(tmp_path.iterdir()) == []
    config = found.config.updated(optimizer={"lr": found.suggestion}, training={"epochs": 8})
    assert cnnlab.train(config).validation.scores.top1 > 0.8


def test_it_shows_itself_as_text(measured):
    found = measured(FALL)
    text = found.to_text()
    assert text.splitlines()[-1] == f"suggestion: --lr {found.suggestion:g}"
    assert all(name in text for name in ("foot", "valley", "steep", "minimum"))
    assert "<pre>" in found._repr_html_()


def test_the_suggestion_is_the_foot_to_two_digits(measured):
    found = measured(FALL)
    assert found.suggestion == float(f"{found.suggestion:.2g}") == pytest.approx(0.04, rel=0.2)
    assert set(found.others) == {"valley", "steep", "minimum"}
    assert found.to_dict()["suggestion"] == found.suggestion


def test_muon_s_other_rates_are_suggested_in_proportion(measured):
    muon = {"name": "muon", "lr": 0.2, "head_lr": 0.6, "bias_lr": 10}
    found = measured(FALL, optimizer=muon)
    factor = found.suggestion / 0.2
    assert found.settings == {
        "optimizer.lr": found.suggestion,
        "optimizer.head_lr": pytest.approx(0.6 * factor, rel=0.05),
        "optimizer.bias_lr": pytest.approx(10 * factor, rel=0.05),
    }
    given = found.options().split()
    assert given[0] == "--lr"
    assert given[2::2] == ["--set", "--set"]
    again = configure(
        settings={"model": {"name": "fastnet"}, "optimizer": {"lr": float(given[1])}},
        overrides=given[3::2],
    )
    assert again.optimizer.options()["bias_lr"] == found.settings["optimizer.bias_lr"]


def test_too_few_points_are_no_ground_for_a_suggestion(measured):
    found = measured([2.0, 2.1, 2.4], steps=50, diverged=True)
    assert found.suggestion is None
    assert "the loss became nan after 3 of 50 steps, before it fell" in found.problem
    assert "start lower than --from 1e-06" in found.problem
    assert found.to_text().splitlines()[-1] == f"no suggestion: {found.problem}"
    assert found.options() == ""
    found.picture().svg()


def test_no_point_at_all_is_said_too(measured):
    found = measured([], steps=50, diverged=True)
    assert "after 0 of 50 steps" in found.problem
    assert "0 steps, rates none" in found.to_text()


def test_a_loss_that_never_fell_is_said(measured):
    found = measured(np.linspace(2, 3, 40))
    assert found.suggestion is None
    assert found.problem.startswith("the loss never fell")


def test_a_fall_within_the_noise_is_doubted(measured):
    noise = np.random.default_rng(0).normal(0, 1, len(FALL))
    assert measured(FALL).notes == []
    (note,) = measured(FALL + 3 * noise).notes
    assert "hardly more than it varies from batch to batch" in note


def test_a_loss_that_is_lowest_at_the_end_is_doubted(measured):
    found = measured(FALL[:51])
    (note,) = found.notes
    assert "raise --to" in note


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 9}, "--steps: the value is 9; expected a whole number from 10"),
        ({"low": 0.0}, "--from: the value is 0; expected a rate above 0"),
        ({"low": float("nan")}, "--from: the value is nan"),
        ({"high": 2000.0}, "--to: the value is 2000"),
        ({"low": 0.1, "high": 0.1}, "--to: the highest rate, 0.1, is not above the lowest, 0.1"),
    ],
)
def test_bounds_that_cannot_be_are_refused_before_any_image_is_read(given, said):
    with pytest.raises(ConfigError) as error:
        cnnlab.find_lr(RunConfig(), **given)
    assert said in str(error.value)


def test_it_starts_from_a_run_with_its_layers_frozen(wanted, images, tiny_model, tmp_path):
    trained = cnnlab.train(wanted(name="base", training={"epochs": 4, "batch_size": 16}))
    init = {"run": "base", "freeze": "features"}
    config = configure(settings={"init": init, "data": {"source": str(images)}, "threads": 1})
    before = sorted(path for path in tmp_path.rglob("*"))
    found = cnnlab.find_lr(config, steps=12)
    assert found.test.losses[0] < 0.8  # a network that knows nothing has ln 3 = 1.1
    assert sorted(path for path in tmp_path.rglob("*")) == before
    assert trained.run.status == "finished"
