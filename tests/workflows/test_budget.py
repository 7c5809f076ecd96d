"""Trainings fitted into a time, with a machine whose speed the tests say."""

import pytest
from small import write_model

from cnnlab.device import Choice
from cnnlab.errors import ConfigError, DataError
from cnnlab.models import load_architecture
from cnnlab.training.events import Notice
from cnnlab.training.loop import train
from cnnlab.training.pace import Pace, measure_pace
from cnnlab.training.trial import prepare_trial
from cnnlab.workflows import budget
from cnnlab.workflows.budget import RUNGS, configure_in_time
from cnnlab.workflows.configure import configure

DIGITS = {"data": {"source": "digits"}, "device": "cpu", "threads": 1}
#: Digits to train on where the split is the default one.
TRAINED = 1198


@pytest.fixture
def machine(monkeypatch):
    """Say how many floating-point operations a second a step's forward pass does."""

    def does(flops):
        def pace(prepared, *, seconds, size=(32, 32)):
            work = prepared.architecture.summary().flops * prepared.config.training.batch_size
            work *= size[0] * size[1] / (32 * 32)
            return Pace(step_seconds=work / flops, steps=10)

        monkeypatch.setattr(budget, "measure_pace", pace)

    return does


def planned(said=None, **asked):
    watch = (lambda event: None) if said is None else said.append
    return configure_in_time(**asked, watch=watch)


def seconds_of(config, flops):
    """What its steps take on a machine of so many operations a second."""
    architecture = load_architecture(
        config.model.name, input_shape=(32, 32, 1), classes=10, params=config.model.params
    )
    training = config.training
    return training.steps * training.batch_size * architecture.summary().flops / flops


def test_rungs_cost_more_and_more():
    costs = [rung.images * sum(width * width for width in rung.widths) for rung in RUNGS]
    assert costs == sorted(costs)


@pytest.mark.parametrize("limit", [1.0, 20.0, 60.0])
def test_as_many_steps_are_planned_as_fit(machine, limit):
    flops = 3e11
    machine(flops)
    said = []
    asked = {**DIGITS, "seed": 3, "training": {"time_limit_seconds": limit}}
    config = planned(said, settings=asked)
    taken, training = seconds_of(config, flops), config.training
    batches = -(-TRAINED // training.batch_size)
    assert training.epochs == -(-training.steps // batches)
    if training.epochs < 60:
        assert 0.9 * limit < taken <= limit
    else:
        assert taken <= limit
    assert training.time_limit_seconds == pytest.approx(1.05 * limit)
    assert training.augment.flip == "none"
    assert config.seed == 3
    lines = [event.text for event in said if isinstance(event, Notice)]
    network, steps = [line for line in lines if line.startswith("plan: ")]
    assert network.startswith("plan: fastnet ")
    assert f"{training.steps:,} steps" in steps


@pytest.mark.parametrize(("flops", "rung"), [(1.0, RUNGS[0]), (1e18, RUNGS[-1])])
def test_the_ends_of_the_ladder_are_for_the_slowest_and_the_fastest(machine, flops, rung):
    machine(flops)
    config = planned(settings={**DIGITS, "training": {"time_limit_seconds": 10}})
    assert tuple(config.model.params["widths"]) == rung.widths
    assert config.training.steps >= 1
    assert config.training.epochs <= 60


def test_a_faster_machine_is_given_a_larger_network(machine):
    chosen = []
    for flops in (1e10, 1e11, 1e12, 1e13):
        machine(flops)
        config = planned(settings={**DIGITS, "training": {"time_limit_seconds": 20}})
        chosen.append([rung.widths for rung in RUNGS].index(tuple(config.model.params["widths"])))
    assert chosen == sorted(chosen)
    assert len(set(chosen)) > 2


def test_few_images_and_much_time_stay_within_what_is_allowed(machine):
    machine(1e18)
    asked = {"model": {"name": "model-e"}, "data": {"source": "shapes", "size": 60}}
    config = planned(settings={**asked, "training": {"time_limit_seconds": 1e5}})
    assert config.training.epochs == 100_000


def test_a_model_that_is_named_stays_and_its_stages_share_the_time(machine):
    machine(1e12)
    asked = {
        "model": {"name": "model-d"},
        "data": {"source": "shapes", "size": 1200, "train": 800},
        "device": "cpu",
        "training": {"time_limit_seconds": 10, "stage_size": 200},
    }
    config = planned(settings=asked)
    assert config.model.name == "model-d"
    assert config.training.mode == "sequential"
    flops = load_architecture("model-d").summary().flops
    each = 0.98 * 10 / 4 / (config.training.batch_size * flops / 1e12)
    assert config.training.steps == int(each)


@pytest.mark.parametrize("asked", [{"epochs": 3}, {"steps": 7}])
def test_what_is_asked_for_stays_and_the_limit_is_where_training_stops(monkeypatch, asked):
    monkeypatch.setattr(budget, "measure_pace", None)
    settings = {**DIGITS, "training": {"time_limit_seconds": 5, **asked}}
    config = planned(settings=settings)
    assert config == configure(settings=settings)
    assert config.training.time_limit_seconds == 5
    said = planned(settings=DIGITS, overrides=["training.time_limit_seconds=5", "training.steps=9"])
    assert said.training.steps == 9


def test_without_a_limit_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(budget, "measure_pace", None)
    assert planned(settings=DIGITS) == configure(settings=DIGITS)


def test_a_recipe_keeps_its_network_and_gets_other_epochs(machine):
    machine(1e12)
    recipe = configure(recipe="digits-quick")
    limited = {"device": "cpu", "training": {"time_limit_seconds": 2}}
    config = planned(recipe="digits-quick", settings=limited)
    assert config.model == recipe.model
    assert config.training.augment == recipe.training.augment
    assert config.training.epochs < recipe.training.epochs


def test_what_the_user_sets_is_laid_on_the_plan(machine):
    machine(1e12)
    settings = {**DIGITS, "training": {"time_limit_seconds": 5, "batch_size": 50}}
    config = planned(settings=settings, overrides=["training.augment.translate=1"])
    assert config.training.batch_size == 50
    assert config.training.augment.translate == 1


def test_errors_come_before_any_measurement(monkeypatch, tmp_path):
    monkeypatch.setattr(budget, "measure_pace", None)
    with pytest.raises(ConfigError, match="--lr"):
        planned(
            settings={"optimizer": {"lr": -1}, "training": {"time_limit_seconds": 5}},
            labels={"optimizer.lr": "--lr"},
        )
    with pytest.raises(DataError):
        planned(
            settings={
                "data": {"source": str(tmp_path)},
                "training": {"time_limit_seconds": 5},
            }
        )


def test_a_pace_is_the_mean_of_a_trainings_own_steps(images, tmp_path, monkeypatch):
    model = write_model(tmp_path)
    config = configure(
        settings={
            "data": {"source": str(images)},
            "model": {"name": str(model)},
            "device": "cpu",
            "threads": 1,
            "training": {"batch_size": 16, "epochs": 1},
        }
    )
    clock = iter(range(1000))
    monkeypatch.setattr("cnnlab.training.pace.time.perf_counter", lambda: float(next(clock)))
    pace = measure_pace(prepare_trial(config, tmp_path / "runs", lambda event: None), seconds=9)
    assert pace == Pace(step_seconds=1.0, steps=10)
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def gpu(monkeypatch):
    """A machine on which auto means compiled, for 40 s, then a tenth of a second a step."""

    def pace(prepared, *, seconds, size=(32, 32)):
        compiled = prepared.config.compile == "on"
        return Pace(step_seconds=0.1, steps=10, start_seconds=40.0 if compiled else 1.0)

    def choose(asked, device):
        return Choice("on", "a GPU") if asked == "auto" else Choice(asked, "asked for")

    monkeypatch.setattr(budget, "measure_pace", pace)
    for module in ("cnnlab.workflows.budget", "cnnlab.training.prepare"):
        monkeypatch.setattr(f"{module}.choose_compile", choose)


@pytest.mark.parametrize(
    ("limit", "asked", "planned_as", "steps"),
    [
        (200, "auto", "off", 1960),
        (400, "auto", "auto", 3520),
        (200, "on", "on", 1560),
        (20, "on", "on", 1),
    ],
)
def test_compiling_takes_its_time_and_is_left_out_where_that_is_short(
    gpu, limit, asked, planned_as, steps
):
    settings = {**DIGITS, "model": {"name": "model-d"}, "compile": asked}
    said = []
    config = planned(said, settings={**settings, "training": {"time_limit_seconds": limit}})
    assert (config.compile, config.training.steps) == (planned_as, pytest.approx(steps, abs=2))
    told = [event.text for event in said if "not compiled" in event.text]
    assert len(told) == (asked != planned_as)


def test_a_training_that_fits_its_time_ends_with_its_schedule(images, tmp_path):
    config = planned(
        settings={
            "data": {"source": str(images)},
            "model": {"name": str(write_model(tmp_path))},
            "schedule": {"name": "linear"},
            "device": "cpu",
            "threads": 1,
            "training": {"batch_size": 16, "time_limit_seconds": 0.2},
        }
    )
    # A busy machine may stop it; what is tested is that the plan itself is whole.
    patient = config.updated(training={"time_limit_seconds": None})
    run = train(patient, tmp_path / "runs")
    assert run.metrics[-1]["step"] == config.training.steps
    assert run.metrics[-1]["lr"] == pytest.approx(config.optimizer.lr / config.training.steps)
    assert run.result["stopped_because"] == "all epochs done"


def test_small_images_at_first_leave_time_for_more_steps(machine):
    machine(1e10)
    asked = {
        **DIGITS,
        "model": {"name": "fastnet", "params": {"widths": [8, 16]}},
        "training": {"time_limit_seconds": 60.0},
    }
    parts = [{"scale": 0.5, "until": 0.5}, {"scale": 0.75, "until": 0.75}]
    whole = planned(settings=asked)
    growing = planned(settings=asked, overrides=[f"training.progressive_resizing={parts}"])
    cost = 0.5 * 0.25 + 0.25 * 0.75**2 + 0.25
    assert growing.training.steps == pytest.approx(whole.training.steps / cost, rel=1e-3)
