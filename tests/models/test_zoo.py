"""The report's six models: its layer tables, its figures, and Keras on the same weights."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from keras_oracle import as_array, channels_first, keras_model, shake, transplant

from cnnlab.models import (
    MODELS,
    load_architecture,
    load_model_file,
    provenance_of,
    report_figures,
)
from cnnlab.models.provenance import MARKS

REPORTED = sorted(report_figures()["models"])
#: Where the report's figures lie beside a checkout; not part of it.
REPORT = Path(__file__).parents[3] / "shared" / "report" / "report.json"


def test_the_six_models_are_there() -> None:
    assert [f"model-{letter}" for letter in "abcdef"] == REPORTED
    assert set(REPORTED) <= set(MODELS.names())


@pytest.mark.parametrize("name", REPORTED)
def test_layer_table_is_the_report_s(name: str) -> None:
    figures = report_figures()["models"][name]
    summary = load_architecture(name).summary()
    rows = [[row.name, row.type, list(row.output_shape), row.params] for row in summary.layers]
    assert rows == figures["layers"]
    assert summary.total_params == figures["total_params"]
    assert list(summary.input_shape) == figures["input_shape"]
    assert summary.trainable_params + summary.non_trainable_params == summary.total_params


@pytest.mark.parametrize("name", REPORTED)
def test_training_is_the_report_s(name: str) -> None:
    figures, model = report_figures()["models"][name], load_model_file(name)
    assert model.training["mode"] == figures["training"]
    assert model.optimizer["name"] == figures["optimizer"]["name"]
    assert model.optimizer["lr"] == figures["optimizer"]["learning_rate"]
    assert model.optimizer.get("weight_decay", 0.0) == figures["optimizer"].get("weight_decay", 0.0)
    said = {
        "stages": figures.get("stages"),
        "batch_size": figures.get("batch_size"),
        "epochs": figures.get("max_epochs_per_stage", figures.get("max_epochs")),
    }
    for key, value in said.items():
        assert value is None or model.training[key] == value


def test_figures_are_the_report_s() -> None:
    if not REPORT.exists():
        pytest.skip(
            "the report's own figures (shared/report/report.json) are not beside the checkout"
        )
    notes = {"note", "dropout", "training_notes", "activations_note"}

    def figures_only(content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        return {key: figures_only(item) for key, item in content.items() if key not in notes}

    assert report_figures() == figures_only(json.loads(REPORT.read_text(encoding="utf-8")))


def test_confusion_matrices_give_the_accuracies_that_the_report_rounds() -> None:
    figures = report_figures()["models"]
    exact = dict(zip(REPORTED, [0.8560, 0.6625, 0.6596, 0.3427, 0.7254, 0.7876], strict=True))
    for name, accuracy in exact.items():
        matrix = np.array(figures[name]["validation_confusion_matrix"])
        assert matrix.sum() == 10_000
        assert np.trace(matrix) / 10_000 == pytest.approx(accuracy, abs=1e-9)
    # B to F share one validation split: the same number of images a class.
    supports = [np.sum(figures[name]["validation_confusion_matrix"], 1) for name in REPORTED[1:]]
    assert all((support == supports[0]).all() for support in supports)
    test = np.array(figures["model-f"]["test_confusion_matrix"])
    assert np.trace(test) / test.sum() == pytest.approx(0.7865)


@pytest.mark.parametrize("name", REPORTED)
def test_every_value_of_a_zoo_file_has_an_origin(name: str) -> None:
    model = load_model_file(name)
    origins = provenance_of(name)
    leaves = sum(len(item) for item in (*model.layers, model.training, model.optimizer)) + len(
        model.training["early_stopping"]
    )  # a mapping of its own: minus 1, plus its values
    assert len(origins) == leaves - 1 + 1  # ... and normalization
    assert {origin.mark for origin in origins} == set(MARKS)
    assert all(len(origin.why) > 10 for origin in origins)
    assert len({origin.path for origin in origins}) == len(origins)


@pytest.mark.parametrize("name", REPORTED)
def test_every_origin_is_the_first_pattern_that_fits_and_none_is_dead(name: str) -> None:
    patterns = load_model_file(name).provenance
    used = set()
    for path, _, mark, why in provenance_of(name):
        first = next(pattern for pattern in patterns if fnmatchcase(path, pattern))
        assert (patterns[first]["mark"], patterns[first]["why"]) == (mark, why)
        used.add(first)
    assert used == set(patterns)


def test_origins_say_what_the_report_says_and_what_it_does_not() -> None:
    marks = {origin.path: origin for origin in provenance_of("model-a")}
    assert marks["layers.7.rate"].value == 0.5
    assert marks["layers.7.rate"].mark == "inferred"
    assert marks["layers.0.activation"].mark == "assumed"
    assert marks["optimizer.lr"].mark == "stated"
    assert marks["training.early_stopping.patience"].mark == "assumed"


@pytest.mark.parametrize("name", REPORTED)
def test_case_23_logits_agree_with_keras(keras: ModuleType, name: str) -> None:
    architecture = load_architecture(name)
    theirs = keras_model(keras, architecture)
    rng = np.random.default_rng(3)
    shake(theirs, rng)
    ours = architecture.build().eval()
    transplant(theirs, ours)
    images = rng.uniform(0, 1, (4, *architecture.input_shape)).astype("float32")

    with torch.inference_mode():
        got = as_array(ours(channels_first(images)))
    expected = as_array(theirs(images, training=False))

    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert theirs.count_params() == architecture.summary().total_params
