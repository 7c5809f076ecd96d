"""What is remarked before training, and what is not."""

import json

import numpy as np
import pytest

from cnnlab.config import RunConfig
from cnnlab.models import load_architecture
from cnnlab.models.architecture import Architecture
from cnnlab.training.events import EpochDone, Notice
from cnnlab.training.preflight import CHECKS, Subject, remarks_on
from cnnlab.workflows.configure import configure

NAMES = tuple(f"class {label}" for label in range(10))
CONV = {"type": "Conv2D", "filters": 4, "kernel_size": 3, "padding": "same"}
END = [{"type": "GlobalAveragePooling2D"}, {"type": "Dense", "units": 10}]


def subject_of(model="model-f", *, layers=None, images=(40_000,), counts=None, watched=10_000,
               frozen=(), **settings):  # fmt: skip
    """A training of a zoo model, or of layers, on CIFAR-10's numbers of images."""
    config = configure(settings={"model": {"name": model}, **settings})
    architecture = load_architecture(model)
    if layers is not None:
        architecture = Architecture("mine", (32, 32, 3), 10, layers=tuple(layers))
        config = RunConfig().updated(**settings)
    counts = np.full(10, sum(images) // 10) if counts is None else np.array(counts)
    return Subject(config, architecture, images, counts, NAMES, watched, frozen)


def named(subject):
    return {remark.name: remark.text for remark in remarks_on(subject)}


STAGES = (8000,) * 4


@pytest.mark.parametrize(
    ("model", "images", "watched", "expected"),
    [
        ("model-a", (8000,) * 3, 2000, {"one-image", "not-centred"}),
        ("model-b", STAGES, 2000, {"one-image", "not-centred", "one-layer"}),
        ("model-c", STAGES, 2000, {"not-centred"}),
        ("model-d", STAGES, 2000, {"not-centred", "one-layer"}),
        ("model-e", (32_000,), 8000, {"not-centred"}),
        ("model-f", (32_000,), 8000, set()),
        ("resnet18", (40_000,), 10_000, set()),
        ("fastnet", (40_000,), 10_000, set()),
    ],
)
def test_the_models_of_the_report(model, images, watched, expected):
    assert set(named(subject_of(model, images=images, watched=watched))) == expected


def test_model_b_is_told_where_its_parameters_are():
    """524,352 of 755,914 parameters, by the report's own table."""
    text = named(subject_of("model-b"))["one-layer"]
    assert "'dense' on a flattened map of 8x8x128 holds 69% of the 755,914 parameters" in text


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("class-imbalance", {"counts": [900, 300, *[500] * 8]}),
        ("few-images", {"counts": [19, *[50] * 9]}),
        ("few-images", {"counts": [0, *[5000] * 9]}),
        ("small-validation", {"watched": 600}),
        ("many-parameters", {"images": (2000,)}),
        ("one-image", {"training": {"batch_size": 1}}),
        ("one-image", {"images": (33,), "training": {"batch_size": 2}}),
        ("one-image", {"images": (1,), "training": {"batch_size": 16}}),
        ("unusual-rate", {"optimizer": {"name": "sgd", "lr": 5}}),
        ("unusual-rate", {"optimizer": {"name": "adam", "lr": 1e-6}}),
        ("receptive-field", {"layers": [CONV, *END]}),
        ("scaled-twice", {"layers": [{"type": "Rescaling", "scale": 1 / 255}, *[CONV] * 8, *END]}),
        ("point-map", {"layers": [*[{"type": "MaxPooling2D"}] * 5, CONV, *END]}),
        ("not-centred", {"layers": [*[CONV] * 8, *END], "normalization": "unit"}),
    ],
)
def test_what_is_remarkable_is_remarked(name, subject):
    text = named(subject_of(**subject))[name]
    assert text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("class-imbalance", {"counts": [800, 300, *[500] * 8]}),
        (
            "class-imbalance",
            {"counts": [900, 300, *[500] * 8], "training": {"class_weights": "balanced"}},
        ),
        ("few-images", {"counts": [20, *[50] * 9]}),
        ("small-validation", {"watched": 700}),
        ("small-validation", {"watched": 0}),
        ("one-image", {"images": (33,), "training": {"batch_size": 16}}),
        ("one-image", {"layers": [CONV, *END], "images": (33,), "training": {"batch_size": 2}}),
        ("unusual-rate", {"optimizer": {"name": "sgd", "lr": 0.1}}),
        ("receptive-field", {"layers": [*[CONV] * 8, *END]}),
        ("scaled-twice", {"layers": [*[CONV] * 8, *END, {"type": "Rescaling", "scale": 1 / 255}]}),
        ("not-centred", {"layers": [CONV, {"type": "BatchNormalization"}, *END],
                         "normalization": "unit"}),
    ],
)  # fmt: skip
def test_what_is_usual_is_not(name, subject):
    assert name not in named(subject_of(**subject))


def test_frozen_layers_are_not_counted():
    assert "many-parameters" in named(subject_of(images=(2000,)))
    frozen = [step.name for step in load_architecture("model-f").steps[:-1]]
    assert "many-parameters" not in named(subject_of(images=(2000,), frozen=frozen))


def test_every_check_has_a_case():
    marks = (test_what_is_remarkable_is_remarked, test_the_models_of_the_report)
    cases = marks[0].pytestmark[0].args[1]
    models = marks[1].pytestmark[0].args[1]
    assert {name for name, _ in cases} | {n for row in models for n in row[3]} == set(CHECKS)


def test_remarks_come_before_the_first_epoch_and_are_kept(fit):
    said = []
    run = fit(said.append, training={"epochs": 1, "batch_size": 1})
    remarks = [
        at
        for at, event in enumerate(said)
        if isinstance(event, Notice) and event.text.startswith("remark: ")
    ]
    first = next(at for at, event in enumerate(said) if isinstance(event, EpochDone))
    assert remarks
    assert max(remarks) < first
    kept = [f"remark: {remark['text']}" for remark in run.remarks]
    assert kept == [said[at].text for at in remarks]
    assert {remark["name"] for remark in run.remarks} == {"one-image", "small-validation"}
    assert json.loads((run.path / "remarks.json").read_text())["remarks"] == run.remarks
    (run.path / "remarks.json").unlink()
    assert run.remarks == []
