import math
from types import SimpleNamespace

import pytest

from cnnlab.config import RunConfig, make_config
from cnnlab.data import SOURCES, opening
from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.options import Choice, Number
from cnnlab.registry import Registry
from cnnlab.settings import parse_yaml


def test_a_resolved_configuration_reads_back_as_itself():
    config = make_config([{"optimizer": {"name": "muon"}, "schedule": {"name": "linear"}}])
    again = make_config([parse_yaml(config.to_yaml(), where="config.yaml")])
    assert again == config
    assert "momentum" in config.to_dict()["optimizer"]


def test_another_optimizer_drops_the_options_of_the_one_below():
    below = {"optimizer": {"name": "sgd", "lr": 0.5, "momentum": 0.7, "weight_decay": 0.1}}
    config = make_config([below, {"optimizer": {"name": "adam"}}])
    assert config.optimizer.weight_decay == 0
    assert "momentum" not in config.to_dict()["optimizer"]
    kept = make_config([below, {"optimizer": {"lr": 0.1}}])
    assert kept.to_dict()["optimizer"]["momentum"] == 0.7
    assert kept.optimizer.lr == 0.1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"training": {"epochs": 0}}, "training.epochs: .* 0; expected a whole number, at least 1"),
        ({"training": {"epochs": "nan"}}, "'nan'; expected a whole number, at least 1, at most"),
        ({"optimizer": {"lr": math.inf}}, r"optimizer\.lr: .*inf; expected a number, more than 0"),
        ({"optimizer": {"lr": -1}}, "more than 0"),
        ({"precision": "fp8"}, "expected one of auto, fp32, bf16"),
        ({"compile": "yes please"}, "compile: .*'yes please'; expected one of auto, on, off"),
        ({"compile": 1}, "compile: .* 1; expected one of auto, on, off"),
        ({"training": {"epoch": 3}}, r"no setting 'training\.epoch'; did you mean 'epochs'"),
        ({"trainings": {}}, "no setting 'trainings'; did you mean 'training'"),
        ({"training": {"augment": {"flipp": 1}}}, "did you mean 'flip'"),
        ({"training": {"early_stopping": {"patience": 0}}}, "patience: .*at least 1"),
        ({"training": 3}, "training: .* 3; expected a mapping"),
        (
            {"training": {"class_weights": {"cat": 0}}},
            "class_weights: .*one of none, balanced or a mapping, each value a number, more than 0",
        ),
        ({"training": {"epochs": True}}, "training.epochs: .* True; expected a whole number"),
        ({"seed": False}, "seed: .* False; expected a whole number, at least 0"),
        ({"training": {"ema": True}}, "training.ema: .* True; expected a number, more than 0"),
        ({"data": {"validation": 1.5}}, "expected .*a number, at least 0"),
        ({"name": "../x"}, "name: expected letters, digits"),
        (
            {"training": {"class_weights": "balanced", "sampling": "balanced"}},
            "both balance the classes",
        ),
    ],
)
def test_case_28_a_wrong_value_is_one_line_with_key_and_allowed_range(settings, said):
    with pytest.raises(ConfigError, match=said) as caught:
        make_config([settings])
    assert "\n" not in str(caught.value)


def test_errors_call_a_key_what_the_user_called_it():
    with pytest.raises(ConfigError, match=r"^--epochs: the value is '-1'; expected a whole"):
        make_config([{"training": {"epochs": "-1"}}], labels={"training.epochs": "--epochs"})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"optimizer": {"name": "adm"}}, "did you mean 'adam'"),
        ({"optimizer": {"name": "sgd", "momentun": 0.5}}, "did you mean 'momentum'"),
        ({"schedule": {"name": "liner"}}, "did you mean 'linear'"),
    ],
)
def test_case_28_an_unknown_name_gets_a_suggestion(settings, said):
    with pytest.raises(UnknownNameError, match=said):
        make_config([settings])


@pytest.mark.parametrize("said", ["on", "off", "auto"])
def test_on_and_off_mean_what_they_say_in_yaml_too(said):
    """Which reads them, plain, as true and false."""
    config = make_config([parse_yaml(f"compile: {said}", where="x")])
    assert config.compile == said
    again = parse_yaml(config.to_yaml(), where="config.yaml")
    assert again["compile"] == said
    assert make_config([again]) == config


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().seed = 3


@pytest.fixture
def drawn(monkeypatch):
    """A dataset called "drawn" whose size, and whose kind, can be chosen."""
    options = {"size": Number(60, low=2, high=100), "kind": Choice(("plain", "odd"))}
    registry = Registry("dataset")
    for name in SOURCES:
        registry.add(name, SOURCES.get(name))
    registry.add("drawn", SimpleNamespace(options=options))
    monkeypatch.setattr(opening, "SOURCES", registry)


@pytest.mark.usefixtures("drawn")
def test_a_sources_own_options_stand_beside_the_settings_of_every_source():
    config = make_config([{"data": {"source": "drawn", "size": 7, "validation": 3}}])
    assert config.to_dict()["data"]["kind"] == "plain"
    assert config.data.read_options().own == {"size": 7, "kind": "plain"}
    assert make_config([parse_yaml(config.to_yaml(), where="config.yaml")]) == config
    assert config.updated(data={"size": 8}).data.options()["size"] == 8


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"source": "drawn", "sise": 7}, "drawn has no option 'sise'; did you mean 'size'"),
        (
            {"source": "drawn", "size": 1},
            "drawn, size: .*; expected a whole number from 2 to 100",
        ),
        ({"source": "digits", "size": 7}, "digits has no option 'size'; choose from: channels"),
        ({"chanels": 3}, "cifar10 has no option 'chanels'; did you mean 'channels'"),
        ({"source": "./mine", "valdation": 3}, "no option 'valdation'; did you mean 'validation'"),
    ],
)
def test_case_28_a_wrong_option_of_a_source_is_one_line(data, said):
    with pytest.raises((ConfigError, UnknownNameError), match=said) as caught:
        make_config([{"data": data}])
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("drawn")
def test_another_source_drops_the_options_of_the_one_below():
    below = {"data": {"source": "drawn", "size": 7, "validation": 3, "image_size": 16}}
    config = make_config([below, {"data": {"source": "digits"}}])
    assert config.data.options() == {}
    assert (config.data.validation, config.data.image_size) == (3, 16)
    kept = make_config([below, {"data": {"source": "drawn", "kind": "odd"}}])
    assert kept.data.options() == {"size": 7, "kind": "odd"}
    named_above = make_config([{"data": {"size": 7}}, {"data": {"source": "drawn"}}])
    assert named_above.data.options()["size"] == 7


def test_a_run_written_before_sources_had_options_opens_unchanged():
    data = {"source": "/gone/pets", "image_size": 16, "channels": 3, "train": None,
            "validation": 0.2, "test": None, "stratify": True, "split_seed": 4}  # fmt: skip
    assert make_config([{"schema_version": 1, "data": data}]).to_dict()["data"] == data


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            [{"scale": 2, "until": 0.5}],
            "configuration, training.progressive_resizing.scale: the value is 2; "
            "expected a number, more than 0, less than 1",
        ),
        (
            [{"scale": 0.5}],
            "configuration: the key 'training.progressive_resizing.until' is missing",
        ),
        (
            [{"scale": 0.5, "untill": 0.5}],
            "configuration: no setting 'training.progressive_resizing.untill'; "
            "did you mean 'until'?",
        ),
        (
            3,
            "configuration, training.progressive_resizing: the value is 3; "
            "expected a list, each item a mapping",
        ),
        (
            [{"scale": 0.5, "until": 0.5}, {"scale": 0.7, "until": 0.5}],
            "configuration: training: each part of progressive_resizing needs a later 'until'",
        ),
    ],
)
def test_the_parts_of_a_list_are_checked(parts, said):
    with pytest.raises(ConfigError) as caught:
        make_config([{"training": {"progressive_resizing": parts}}])
    assert str(caught.value) == said
