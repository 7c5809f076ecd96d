"""scikit-learn's own checks of the classifier, and what they do not ask."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import cnnlab
from cnnlab.data.places import home
from cnnlab.interop.sklearn import EXPECTED_FAILED_CHECKS, CNNClassifier
from cnnlab.runs import open_run

pytestmark = pytest.mark.long

MODEL = str(Path(__file__).parent / "dense.yaml")
#: One thread in fp32: measuring which precision is faster would take longer than a fit.
QUICK = {"precision": "fp32", "threads": 1}


def digits(count=300):
    images, labels = load_digits(return_X_y=True)
    return images[:count], labels[:count]


def quick(**given):
    wanted = {
        "model": MODEL,
        "epochs": 15,
        "batch_size": 32,
        "lr": 0.01,
        "value_range": (0, 16),
        "settings": QUICK,
        "device": "cpu",
        "random_state": 0,
    }
    return CNNClassifier(**{**wanted, **given})


@parametrize_with_checks(
    [
        CNNClassifier(
            model=MODEL,
            epochs=10,
            batch_size=32,
            lr=0.05,
            value_range=None,
            settings=QUICK,
            device="cpu",
        )
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILED_CHECKS,
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_it_learns_digits_and_answers_consistently():
    images, labels = digits()
    fitted = quick().fit(images, labels)
    assert fitted.score(images, labels) > 0.95
    assert fitted.image_shape_ == (8, 8, 1)
    assert fitted.n_iter_ == len(fitted.history_) == 15
    probabilities = fitted.predict_proba(images)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(images)).all()
    logits = fitted.decision_function(images)
    soft = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert soft / soft.sum(axis=1, keepdims=True) == pytest.approx(probabilities, abs=1e-6)


def test_rows_and_images_are_the_same_to_it():
    images, labels = digits(80)
    rows = quick(epochs=1).fit(images, labels)
    cubes = quick(epochs=1).fit(images.reshape(-1, 8, 8, 1), labels)
    squares = images.reshape(-1, 8, 8)
    assert (rows.decision_function(squares) == cubes.decision_function(images)).all()
    with pytest.raises(ValueError, match=r"X has images of \(4, 16\); expected \(8, 8, 1\)"):
        rows.predict(images.reshape(-1, 4, 16))


def test_a_pickle_answers_alike_without_the_run(tmp_path):
    images, labels = digits(80)
    names = np.array(["zero", "one or more"])[np.minimum(labels, 1)]
    fitted = quick(epochs=2).fit(images, names)
    joblib.dump(fitted, tmp_path / "fitted.joblib")
    for again in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "fitted.joblib")):
        assert (again.predict_proba(images) == fitted.predict_proba(images)).all()
        assert set(again.predict(images)) <= {"zero", "one or more"}
    assert not hasattr(clone(fitted), "classes_")
    assert pickle.loads(pickle.dumps(quick())).get_params() == quick().get_params()


def test_nothing_is_left_behind_unless_runs_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    images, labels = digits(60)
    assert quick(epochs=1).fit(images, labels).run_ is None
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == []
    assert list((home() / "datasets").iterdir()) == []
    fitted = quick(epochs=2, runs="kept", validation_fraction=0.2).fit(images, labels)
    run = open_run(fitted.run_)
    assert len(run.split["validation"]) == 12
    assert run.open_dataset().class_names == tuple(map(str, range(10)))
    evaluation = cnnlab.evaluate(run)
    rows = np.array(run.split["validation"])
    assert (fitted.decision_function(images[rows]) == evaluation.predictions.logits).all()


def test_the_same_random_state_gives_the_same_weights():
    images, labels = digits(60)
    first, second, third = (
        quick(epochs=1).set_params(random_state=state).fit(images, labels)
        for state in (7, np.random.RandomState(7), 8)
    )
    assert (first.decision_function(images) == second.decision_function(images)).all()
    assert (first.decision_function(images) != third.decision_function(images)).any()


def test_it_works_in_a_pipeline_a_search_and_cross_validation():
    images, labels = digits(120)
    scaled = make_pipeline(MinMaxScaler(clip=True), quick(value_range=(0, 1), lr=0.03))
    floor = cross_val_score(DummyClassifier(), images, labels, cv=2).mean()
    assert cross_val_score(scaled, images, labels, cv=2).mean() > floor + 0.4
    search = GridSearchCV(quick(epochs=4), {"lr": [1e-6, 0.03]}, cv=2).fit(images, labels)
    assert search.best_params_ == {"lr": 0.03}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"value_range": (0, 1)}, "reach from 0 to 16; expected 0 .black. to 1 .white."),
        ({"value_range": (1, 1)}, "value_range is .1, 1.; expected the values of black and white"),
        ({"image_shape": (8, 9)}, "has 72 numbers, but X has 64 features"),
        ({"image_shape": "square"}, "image_shape is 'square'; expected"),
        ({"epochs": 0}, "epochs: the value is 0; expected a whole number, at least 1"),
        ({"lr": -1.0}, "lr: the value is -1.0; expected a number, more than 0"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"model": "fastnte"}, "did you mean 'fastnet'"),
        ({"validation_fraction": 1.5}, "validation_fraction: the value is 1.5"),
        ({"class_weight": {"ten": 2}}, "class_weight has 'ten', which is no class of y"),
        ({"class_weight": "even"}, "class_weight is 'even'; expected None, 'balanced' or a dict"),
    ],
)
def test_what_cannot_be_used_is_a_value_error_in_one_line(given, said):
    with pytest.raises(ValueError, match=said) as error:
        quick(**given).fit(*digits(40))
    assert "\n" not in str(error.value)


def test_values_outside_the_range_at_prediction():
    images, labels = digits(60)
    measured = quick(epochs=1, value_range=None).fit(images, labels)
    assert measured.value_range_ == (0.0, 16.0)
    brighter = np.minimum(images * 2, 16)
    assert (measured.predict_proba(images * 2) == measured.predict_proba(brighter)).all()
    stated = quick(epochs=1).fit(images, labels)
    with pytest.raises(ValueError, match="set value_range to the range that yours have"):
        stated.predict(images * 2)


def test_weights_of_classes_by_name_move_answers_towards_them():
    images, labels = digits(120)
    plain = quick(epochs=2).fit(images, labels)
    heavy = quick(epochs=2, class_weight={3: 50.0}).fit(images, labels)
    assert (heavy.predict(images) == 3).sum() > (plain.predict(images) == 3).sum()
    even = quick(epochs=2, class_weight=dict.fromkeys(range(10), 1.0)).fit(images, labels)
    assert (even.decision_function(images) == plain.decision_function(images)).all()


def test_weights_of_classes_go_by_equality():
    images, labels = digits(60)
    floats = quick(epochs=1, class_weight={3: 50.0}).fit(images, labels.astype(float))
    whole = quick(epochs=1, class_weight={3: 50.0}).fit(images, labels)
    assert (floats.decision_function(images) == whole.decision_function(images)).all()
    quick(epochs=1, class_weight={1: 2.0, 0: 1.0}).fit(images, labels > 4)


@pytest.mark.parametrize("asked", [{"image_size": 12}, {"channels": 3}])
def test_images_come_to_the_size_and_colours_that_settings_ask_for(asked, tmp_path):
    images, labels = digits(60)
    settings = {**QUICK, "data": asked}
    fitted = quick(epochs=1, settings=settings, validation_fraction=0.5, runs=tmp_path)
    fitted.fit(images, labels)
    run = open_run(fitted.run_)
    cnnlab.evaluate(run, "validation")
    saved = run.predictions("validation")
    found = fitted.decision_function(images[saved.indices])
    np.testing.assert_allclose(found, saved.logits, atol=1e-5)


def test_the_model_that_is_named_wins_over_settings():
    fitted = quick(epochs=1, settings={**QUICK, "model": {"name": "model-f"}}).fit(*digits(40))
    assert len(fitted.bundle_.architecture.steps) == 3  # those of the small model


def test_the_documentation_names_the_checks_that_fail_and_why():
    page = (Path(__file__).parent.parent.parent / "docs" / "sklearn.md").read_text()
    rows = re.findall(r"^\| `(check_\w+)` \| (.+) \|$", page, re.MULTILINE)
    assert dict(rows) == EXPECTED_FAILED_CHECKS
