import pytest

from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.models import MODELS, load_architecture
from cnnlab.recipes import load_recipe, recipe_names
from cnnlab.workflows.configure import configure


def test_a_model_brings_its_own_way_of_training():
    config = configure(settings={"model": {"name": "model-f"}})
    assert (config.optimizer.name, config.optimizer.lr) == ("adamax", 1e-3)
    assert config.training.batch_size == 16
    assert config.training.inner_validation == 0.2
    assert config.normalization == "unit"


def test_later_layers_win(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("model: {name: model-c}\ntraining: {epochs: 3, batch_size: 4}\nseed: 5\n")
    config = configure(
        file=file,
        settings={"training": {"batch_size": 8}, "seed": 6},
        overrides=["seed=7", "training.label_smoothing=1e-1"],
    )
    assert config.model.name == "model-c"
    assert config.training.mode == "sequential"
    assert (config.training.epochs, config.training.batch_size) == (3, 8)
    assert (config.seed, config.training.label_smoothing) == (7, 0.1)


@pytest.mark.parametrize("name", MODELS.names())
def test_every_models_settings_are_a_valid_configuration(name):
    assert configure(settings={"model": {"name": name}}).model.name == name


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_a_valid_configuration_of_a_model_that_builds(name):
    config = configure(recipe=name)
    load_architecture(config.model.name, params=config.model.params)
    assert load_recipe(name)["data"]["source"]


def test_there_are_recipes():
    assert recipe_names()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"settings": {"model": {"name": "fastnett"}}}, "did you mean 'fastnet'"),
        ({"settings": {"model": {"name": ""}}}, "no model is called ''; choose from: convnet"),
        ({"recipe": "nothing"}, "no recipe is called 'nothing'"),
    ],
)
def test_case_28_an_unknown_name_gets_a_suggestion(settings, said):
    with pytest.raises(UnknownNameError, match=said):
        configure(**settings)


def test_an_error_names_the_file_or_the_option(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("training: {epochs: 0}\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml, training\.epochs: the value is 0"):
        configure(file=file)
    with pytest.raises(ConfigError, match=r"^--epochs: the value is 0"):
        configure(settings={"training": {"epochs": 0}}, labels={"training.epochs": "--epochs"})


@pytest.mark.parametrize(
    ("settings", "overrides"),
    [
        ({"optimizer": {"lr": 0.5}}, ["optimizer.name=sgd"]),
        ({"optimizer": {"name": "sgd"}}, ["optimizer.lr=0.5"]),
        ({}, ["optimizer.lr=0.5", "optimizer.name=sgd"]),
        ({"optimizer": {"lr": 0.5}}, ["optimizer={name: sgd, momentum: 0.5}"]),
    ],
)
def test_a_rate_that_was_asked_for_is_kept_beside_another_optimizer(settings, overrides):
    config = configure(settings=settings, overrides=overrides)
    assert (config.optimizer.name, config.optimizer.lr) == ("sgd", 0.5)


def test_a_files_rate_is_kept_beside_another_optimizer_where_it_names_none(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("optimizer: {lr: 0.5}\n")
    config = configure(file=file, settings={"optimizer": {"name": "sgd"}})
    assert (config.optimizer.name, config.optimizer.lr) == ("sgd", 0.5)
