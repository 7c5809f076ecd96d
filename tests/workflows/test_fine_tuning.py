"""What comes along from a run that training starts from."""

from pathlib import Path

import pytest
from small_runs import make_run

from cnnlab.errors import ConfigError, RunError
from cnnlab.settings import changed_keys
from cnnlab.workflows.configure import configure
from cnnlab.workflows.run_card import card_of


@pytest.fixture
def base(tmp_path):
    """A finished run on 8 x 8 colour images."""
    return make_run(tmp_path / "runs", "base")


def test_network_and_form_of_the_images_come_along_for_other_data(base):
    text = (base.path / "config.yaml").read_text()
    text = text.replace("normalization: standard", "normalization: unit")
    (base.path / "config.yaml").write_text(text.replace("split_seed: 0", "split_seed: 7"))
    config = configure(settings={"init": {"run": str(base.path)}, "data": {"source": "digits"}})
    assert config.model.model_dump() == base.config["model"]
    assert config.normalization == "unit"
    assert (config.data.source, config.data.image_size, config.data.channels) == ("digits", 8, 3)
    assert config.data.split_seed == 0
    assert config.init.weights_sha256 is None


@pytest.mark.parametrize("data", [{}, {"data": {"source": "cifar10"}}])
def test_for_its_own_data_the_split_comes_along(base, data):
    text = (base.path / "config.yaml").read_text()
    (base.path / "config.yaml").write_text(text.replace("split_seed: 0", "split_seed: 7"))
    config = configure(settings={"init": {"run": str(base.path)}, **data})
    assert (config.data.source, config.data.split_seed) == ("cifar10", 7)


def test_a_setting_that_cannot_be_is_named_with_the_base_run_s_file(base):
    path = base.path / "config.yaml"
    text = path.read_text()
    path.write_text(text.replace("  train: null", "  train: 300.0"))
    assert path.read_text() != text
    with pytest.raises(ConfigError) as raised:
        configure(settings={"init": {"run": str(base.path)}})
    assert str(raised.value).startswith(f"{path}, data.train: the value is 300.0; expected")


def test_what_is_asked_for_wins_over_what_comes_along(base):
    asked = {"init": {"run": "base"}, "optimizer": {"name": "sgd"}, "training": {"epochs": 3}}
    config = configure(settings=asked, runs=base.path.parent)
    plain = configure(settings={"optimizer": {"name": "sgd"}})
    assert config.training.epochs == 3
    assert config.optimizer == plain.optimizer.model_copy(update={"lr": config.optimizer.lr})
    assert config.optimizer.lr == type(config.optimizer)().lr


def test_frozen_features_have_their_own_rate(base):
    settings = {"init": {"run": str(base.path)}}
    whole = configure(settings=settings)
    head = configure(settings=settings, overrides=["init.freeze=features"])
    assert changed_keys(whole.to_dict(), head.to_dict()) == ["init.freeze", "optimizer.lr"]


def test_another_run_has_other_weights_than_a_file_says(base, tmp_path):
    file = tmp_path / "mine.yaml"
    digest = "0" * 64
    file.write_text(f"init: {{run: {base.path}, freeze: features, weights_sha256: '{digest}'}}\n")
    assert configure(file=file).init.weights_sha256 == digest
    other = make_run(tmp_path / "runs", "other")
    init = configure(file=file, settings={"init": {"run": str(other.path)}}).init
    assert (Path(init.run), init.freeze, init.weights_sha256) == (other.path, "features", None)


@pytest.mark.parametrize(
    ("init", "error", "said"),
    [
        ({"freeze": "features"}, ConfigError, r"^init: there is no run to start from; .* --init"),
        ({"run": "bas"}, RunError, r"^bas: no such run; did you mean 'base'\?"),
        ({"run": "base", "head": "old"}, ConfigError, r"init\.head: .* one of match, new"),
        ({"run": "base", "weights_sha256": "x"}, ConfigError, r"init\.weights_sha256"),
        ({"run": "base", "frees": "x"}, ConfigError, r"no setting 'init\.frees'; did you mean"),
    ],
)
def test_a_wrong_setting_is_named(base, init, error, said):
    with pytest.raises(error, match=said):
        configure(settings={"init": init}, runs=base.path.parent)


def test_runs_show_says_where_a_run_started(base):
    assert card_of(base).to_dict()["start"] == []
    record = (
        '{"run": "/runs/old", "weights_sha256": "abc", "tensors_taken": 3, "frozen": [],'
        ' "head": {"layers": ["dense"], "taken_whole": true, "classes_taken": [],'
        ' "classes_drawn": [], "asked": "match"}, "params": 9, "trained_params": 9, "seen": {}}'
    )
    (base.path / "init.json").write_text(record)
    text = card_of(base).to_text()
    assert "starts from /runs/old (weights abc): 3 tensors taken as they are" in text
    (base.path / "init.json").write_text("{")
    assert card_of(base).to_dict()["status"] == "damaged"
