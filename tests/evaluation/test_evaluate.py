import json

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binomtest
from sklearn.metrics import log_loss, top_k_accuracy_score

from cnnlab.errors import InputError, RunError
from cnnlab.evaluation.evaluate import evaluate, evaluation_of
from cnnlab.workflows.configure import configure
from cnnlab.workflows.train import train_and_evaluate


def train(images, tiny_model, folder, **data):
    # In bf16 what training watches is rounded, and what evaluation says is not.
    config = configure(
        settings={
            "precision": "fp32",
            "data": {"source": str(images), **data},
            "model": {"name": str(tiny_model)},
            "training": {"epochs": 2, "batch_size": 16},
        }
    )
    return train_and_evaluate(config, folder).run


@pytest.fixture(scope="module")
def run(images, tiny_model, tmp_path_factory):
    return train(images, tiny_model, tmp_path_factory.mktemp("runs"))


def test_saved_predictions_say_the_same_as_a_new_evaluation(run):
    before = evaluation_of(run, "validation").to_dict()
    assert evaluate(run, "validation").to_dict() == before
    assert evaluation_of(run, "test") is None


def test_training_and_evaluation_agree_on_validation(run):
    said = evaluation_of(run, "validation").scores
    assert said.top1 == pytest.approx(run.chosen_epoch["validation_accuracy"])
    assert said.nll == pytest.approx(run.chosen_epoch["validation_loss"], abs=1e-5)


def test_rows_are_those_of_the_split(run):
    predictions = run.predictions("validation")
    assert predictions.indices.tolist() == run.split["validation"]


def test_an_empty_split_is_an_error(images, tiny_model, tmp_path):
    bare = train(images, tiny_model, tmp_path, validation=0, test=0)
    assert len(bare.split["train"]) == 120
    for split in ("validation", "test"):
        with pytest.raises(RunError, match=f"its {split} split holds no image"):
            evaluate(bare, split)


def test_a_run_without_weights_says_how_to_go_on(run, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    from cnnlab.runs import open_run

    (copy / "checkpoints" / "best.safetensors").unlink()
    with pytest.raises(RunError, match="no weights yet; finish it with: cnnlab train --resume"):
        evaluate(open_run(copy))


def test_confidence_is_told_from_the_saved_logits(run):
    said = json.loads(json.dumps(evaluation_of(run, "validation").to_dict(), allow_nan=False))
    predictions = run.predictions("validation")
    shares = softmax(predictions.logits.astype(np.float64), axis=1)
    found = run.temperature
    assert said["calibration"]["temperature"] == pytest.approx(found)
    scaled = [log_loss(predictions.labels, softmax(predictions.logits / t, axis=1), labels=range(3))
              for t in (found * 0.98, found, found * 1.02)]  # fmt: skip
    assert min(scaled) == scaled[1] or found in (0.01, 100)
    assert said["calibration"]["nll_before"] == pytest.approx(said["nll"])
    assert said["calibration"]["measured_on"].startswith("validation, each fifth")
    order = np.argsort(-shares.max(axis=1), kind="stable")[:10]
    half = next(p for p in said["selective"]["points"] if p["coverage"] == 0.5)
    right = (predictions.classes == predictions.labels)[order].mean()
    assert half["accuracy"] == pytest.approx(right, abs=0.051)  # ties apart
    assert sum(group["count"] for group in said["reliability"]) == 20
    low, high = said["macro_f1_interval"]
    assert low <= said["macro_f1"] <= high
    recall = said["per_class"][0]
    hits, support = round(recall["recall"] * recall["support"]), recall["support"]
    expected = binomtest(hits, support).proportion_ci(0.95, "exact")
    assert recall["recall_interval"] == pytest.approx([expected.low, expected.high])


def test_the_likeliest_k_count_as_asked(run):
    assert evaluation_of(run, "validation").to_dict()["top_k"] is None  # three classes
    said = evaluation_of(run, "validation", top_k=2)
    predictions = run.predictions("validation")
    expected = top_k_accuracy_score(predictions.labels, predictions.logits, k=2, labels=range(3))
    assert said.to_dict()["top_k"]["accuracy"] == pytest.approx(expected)
    assert "top-2 accuracy" in said.to_text()
    with pytest.raises(InputError, match="top-k: 4; expected 1 to 3"):
        evaluate(run, top_k=4)


def test_on_test_the_temperature_is_validation_s(run):
    found = evaluate(run, "test", command="a test").calibrated
    assert found.temperature == run.temperature
    assert found.measured_on == "test, which did not help to fit it"
    run.temperature_file.unlink()  # a run from before temperatures were kept
    assert evaluation_of(run, "test").calibrated.temperature == pytest.approx(found.temperature)
    (run.path / "predictions" / "test.npz").unlink()
    evaluate(run)
    assert run.temperature == pytest.approx(found.temperature)


def test_a_notebook_shows_the_text(run):
    shown = evaluation_of(run, "validation")._repr_html_()
    assert shown.startswith("<pre>")
    assert "class 1" in shown


def test_the_text_names_the_axes_and_every_class(run):
    text = evaluation_of(run, "validation").to_text()
    assert "rows: true classes, columns: predicted classes" in text
    for name in run.class_names:
        assert text.count(name) == 2
    matrix = evaluation_of(run, "validation").scores.matrix
    assert matrix.sum() == 20
    assert np.array_equal(matrix.sum(axis=1), np.bincount(run.predictions("validation").labels))
