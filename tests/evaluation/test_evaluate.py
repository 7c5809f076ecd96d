import numpy as np
import pytest

from cnnlab.errors import RunError
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
