import numpy as np
import pytest

from cnnlab.errors import RunError
from cnnlab.evaluation.compare import compare
from cnnlab.runs import Predictions, Run
from cnnlab.workflows.configure import configure
from cnnlab.workflows.train import train_and_evaluate

LABELS = np.repeat(np.arange(3), 100)


@pytest.fixture
def runs(images, tiny_model, tmp_path):
    """Three runs whose predictions are replaced: a is right at 250, b at 251, c at 150 of 300."""
    found = []
    for name, right in (("a", 250), ("b", 251), ("c", 150)):
        config = configure(
            settings={
                "name": name,
                "data": {"source": str(images)},
                "model": {"name": str(tiny_model)},
                "training": {"epochs": 1, "batch_size": 40},
            }
        )
        run = train_and_evaluate(config, tmp_path).run
        answers = np.where(np.arange(300) < right, LABELS, (LABELS + 1) % 3)
        logits = np.eye(3, dtype=np.float32)[answers]
        run.save_predictions("validation", Predictions(logits, LABELS, np.arange(300)))
        found.append(run)
    return found


def test_a_difference_is_called_one_only_where_it_is(runs):
    said = {(pair.a, pair.b): pair for pair in compare(runs).pairs}
    assert said["a", "b"].verdict.startswith("a and b: no detectable difference (p = 1.00")
    assert said["a", "c"].verdict.startswith("a is better than c by 33.3 points (95% CI 2")
    assert said["b", "c"].result.p_value < 1e-20


def test_the_table_has_the_reports_columns_and_more(runs):
    comparison = compare(runs)
    row = comparison.rows[0]
    assert row.validation_accuracy == pytest.approx(250 / 300)
    assert row.train_accuracy == runs[0].chosen_epoch["train_accuracy"]
    assert row.inner_accuracy is None
    assert row.params == 1123
    assert row.key_features == (
        "1 Conv2D + 1 pooling + 1 Dense, BatchNormalization, Dropout, adam 0.001, batch 40"
    )
    text = comparison.to_text()
    for word in ("train", "inner", "validation", "parameters", "time", "images/s"):
        assert word in text.splitlines()[0]


def test_runs_on_other_images_are_not_compared(runs):
    other = runs[2].predictions("validation")
    runs[2].save_predictions(
        "validation", Predictions(other.logits, other.labels, other.indices[::-1].copy())
    )
    comparison = compare(runs)
    assert len(comparison.pairs) == 1
    assert comparison.not_compared == [
        "a and c: validated on different images, so not comparable",
        "b and c: validated on different images, so not comparable",
    ]


def test_one_run_cannot_be_compared(runs):
    with pytest.raises(RunError, match="expected two or more"):
        compare(runs[:1])
    with pytest.raises(RunError, match="expected two or more different ones"):
        compare([runs[0], runs[0]])


def test_runs_of_one_name_are_told_apart_by_their_paths(runs, tmp_path):
    import shutil

    shutil.copytree(runs[0].path, tmp_path / "other" / "a")
    (pair,) = compare([runs[0], Run(tmp_path / "other" / "a")]).pairs
    assert (pair.a, pair.b) == (str(runs[0].path), str(tmp_path / "other" / "a"))


def test_a_run_that_has_not_ended_is_said(runs):
    (runs[1].path / "result.json").unlink()
    assert "b is unfinished" in compare(runs).to_text()
