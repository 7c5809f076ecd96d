"""The report's experiments as configurations."""

from __future__ import annotations

import pytest

from cnnlab.config import make_config
from cnnlab.errors import ConfigError, RunError, UnknownNameError
from cnnlab.training.prepare import prepare_new_run
from cnnlab.workflows.experiments import (
    Experiment,
    Plan,
    check_images,
    check_same_experiment,
    parse_experiments,
)

PLAN = Plan("cifar10-jpeg", "fashion-mnist")


def config_of(name, plan=PLAN):
    (experiment,) = parse_experiments([name])
    return plan.config_of(experiment)


def test_letters_names_and_other_batch_sizes_are_read_once_each():
    assert parse_experiments(["a", " model-A", "a@32", "F"]) == [
        Experiment("a"),
        Experiment("a", 32),
        Experiment("f"),
    ]
    assert Experiment("a", 32).title == "model A (batches of 32)"


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["g"], UnknownNameError, "the report has no model 'g'; choose from: a, b, c, d, e, f"),
        (["a@"], ConfigError, "'' is no batch size; expected a count of images, e.g. a@32"),
        (["a@0"], ConfigError, "'0' is no batch size"),
        (["a@-1"], ConfigError, "'-1' is no batch size"),
        (["a@²"], ConfigError, "'²' is no batch size"),
        ([], ConfigError, "no model is named; expected a, b, c, d, e, f"),
    ],
)
def test_what_is_no_experiment(names, error, message):
    with pytest.raises(error) as raised:
        parse_experiments(names)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The figures of the report, section 4: batch size, mode, stages, epochs, optimizer.
        ("a", (1, "sequential", 3, 10, "adam", 1e-4, 30_000, "fashion-mnist")),
        ("b", (1, "sequential", 4, 10, "adam", 1e-4, 40_000, "cifar10-jpeg")),
        ("c", (32, "sequential", 4, 10, "adam", 1e-4, 40_000, "cifar10-jpeg")),
        ("d", (32, "sequential", 4, 10, "adam", 1e-4, 40_000, "cifar10-jpeg")),
        ("e", (16, "full", None, 20, "adamax", 1e-3, 40_000, "cifar10-jpeg")),
        ("f", (16, "full", None, 20, "adamax", 1e-3, 40_000, "cifar10-jpeg")),
        ("b@32", (32, "sequential", 4, 10, "adam", 1e-4, 40_000, "cifar10-jpeg")),
    ],
)
def test_each_is_trained_as_the_report_did(name, expected):
    config = config_of(name)
    training, optimizer, data = config.training, config.optimizer, config.data
    assert expected == (
        training.batch_size,
        training.mode,
        training.stages,
        training.epochs,
        optimizer.name,
        optimizer.lr,
        data.train,
        data.source,
    )
    assert (data.validation, data.test) == (10_000, 10_000)


def test_scale_shrinks_every_part_and_keeps_the_stages():
    plan = Plan("cifar10-jpeg", "fashion-mnist", scale=0.01, seed=3)
    config = config_of("a@8", plan)
    assert (config.data.train, config.data.validation, config.data.test) == (300, 100, 100)
    assert (config.training.stage_size, config.training.stages) == (100, 3)
    assert config.name == "reproduce-a-batch-8-x0.01-seed-3"
    assert plan.folder_name == "reproduction-x0.01-seed-3"
    assert config_of("f", plan).data.train == 400


@pytest.mark.parametrize("scale", [0, -0.1, 1.01, float("nan")])
def test_a_scale_outside_of_its_range_is_refused(scale):
    with pytest.raises(ConfigError, match=r"--scale: .*more than 0, at most 1"):
        Plan("cifar10", "fashion-mnist", scale=scale)


def test_overrides_come_last():
    config = config_of("c", Plan("digits", "digits", overrides=("training.epochs=2",)))
    assert config.training.epochs == 2


def test_too_few_images_are_noticed_with_the_scale_that_fits():
    config = config_of("f", Plan("digits", "digits"))
    with pytest.raises(ConfigError) as raised:
        check_images(config, 1.0, lambda line: None)
    message = str(raised.value)
    assert "digits: 1,797 images are too few; expected 60,000 for train" in message
    scale = float(message.rpartition("--scale ")[2])
    check_images(config_of("f", Plan("digits", "digits", scale=scale)), scale, lambda line: None)


def test_images_are_counted_as_the_settings_have_them_read():
    config = config_of("f", Plan("shapes", "shapes", scale=0.001, overrides=("data.size=50",)))
    with pytest.raises(ConfigError, match="shapes: 50 images are too few; expected 50 for train"):
        check_images(config, 0.001, lambda line: None)


def test_only_the_same_experiment_goes_on(tmp_path):
    plan = Plan("digits", "digits", scale=0.001)
    run = prepare_new_run(config_of("c", plan), tmp_path, lambda event: None).run
    check_same_experiment(run, config_of("c", plan))
    other = make_config([config_of("c", plan).to_dict(), {"training": {"epochs": 9}}])
    with pytest.raises(RunError, match=r"another experiment: training.epochs differ; .*--runs"):
        check_same_experiment(run, other)


@pytest.mark.parametrize(
    ("trained", "named"),
    [
        ({"data": {"train": 200}}, "data.train"),
        ({"training": {"early_stopping": {"patience": 2}}}, "training.early_stopping"),
        ({"training": {"clip_norm": 1.0}}, "training.clip_norm"),
    ],
)
def test_a_setting_that_is_left_out_now_is_another_one(tmp_path, trained, named):
    now = make_config([{"model": {"name": "model-a"}, "data": {"source": "shapes", "size": 400}}])
    before = make_config([now.to_dict(), trained])
    run = prepare_new_run(before, tmp_path, lambda event: None).run
    check_same_experiment(run, before)
    with pytest.raises(RunError, match=rf"another experiment: {named} differ"):
        check_same_experiment(run, now)


def test_what_a_run_resolves_for_itself_is_no_difference(tmp_path):
    data = {"source": "shapes", "size": 400}
    left_open = make_config([{"model": {"name": "model-a"}, "data": data}])
    run = prepare_new_run(left_open, tmp_path, lambda event: None).run
    assert {run.config["threads"], run.config["data"]["stratify"]}.isdisjoint({None})
    assert run.config["data"]["label_errors"] is not None
    check_same_experiment(run, left_open)
