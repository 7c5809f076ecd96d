import json
import shutil

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from cnnlab.errors import InputError, RunError
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


def test_every_pair_has_its_p_value_raw_and_after_holm(runs):
    pairs = compare(runs).pairs
    expected = multipletests([pair.result.p_value for pair in pairs], method="holm")[1]
    records = [pair.to_dict() for pair in pairs]
    assert [record["p_holm"] for record in records] == pytest.approx(list(expected))
    assert "p = 1.00, 1.00 after Holm for 3 pairs" in pairs[0].verdict
    assert any("3 pairs: verdicts go by" in note for note in compare(runs).notes)


def test_one_training_each_tells_no_recipes_apart(runs):
    (runs[1].path / "config.yaml").write_text(
        (runs[1].path / "config.yaml").read_text().replace("batch_size: 40", "batch_size: 41")
    )
    one, other = Run(runs[0].path), Run(runs[1].path)
    notes = compare([one, other]).notes
    assert any("one training each: these networks are compared" in note for note in notes)


def test_where_two_runs_disagree(runs):
    (pair,) = compare([runs[0], runs[2]]).pairs
    found = pair.disagreement
    assert found.only_a == list(range(150, 250))
    assert found.only_b == []
    assert [(c.n, c.only_a, c.only_b) for c in found.by_class] == [
        (100, 0, 0), (100, 50, 0), (100, 50, 0)]  # fmt: skip
    text = compare([runs[0], runs[2]]).to_text()
    assert "only a right, rows of the dataset: 150, 151, 152, 153, 154 and 95 more" in text
    assert json.loads(json.dumps(pair.to_dict()))["disagreement"]["by_class"][1]["only_a"] == 50


def test_equivalence_is_said_where_it_is_shown(runs):
    said = {(p.a, p.b): p.verdict for p in compare(runs, margin=0.05).pairs}
    assert said["a", "b"].startswith("a and b: equivalent within 5 points (90% CI -1.")
    assert "equivalent" not in said["a", "c"]
    narrow = compare(runs[:2], margin=0.001).pairs[0].verdict
    assert ", and not shown to be equivalent within 0.1 points; if the 0.33 points" in narrow
    with pytest.raises(InputError, match="margin: 150; expected points, above 0 and below 100"):
        compare(runs, margin=1.5)


def test_how_many_images_it_would_take(runs):
    (pair,) = compare(runs[:2]).pairs
    # By hand: 1 of 300 differs, all one way; (1.95996 * sqrt(d) + 0.84162 * sqrt(d - d^2)) / d.
    d = 1 / 300
    needed = ((1.959964 * d**0.5 + 0.841621 * (d - d * d) ** 0.5) / d) ** 2
    assert pair.to_dict()["images_needed"] == pytest.approx(needed, abs=1)
    assert "if the 0.33 points seen are real, about 2,400 images would tell" in pair.verdict
    (same,) = compare([runs[0], _copy(runs[0], "again")]).pairs
    assert same.verdict.endswith("no number of images would tell so small a difference")


def _copy(run, name):
    shutil.copytree(run.path, run.path.parent / name)
    return Run(run.path.parent / name)


def test_test_is_compared_where_it_was_opened_and_not_opened_for_it(runs):
    with pytest.raises(RunError, match=r"test images have not been opened.*evaluate .*a --split"):
        compare(runs[:2], "test")
    for run in runs[:2]:
        run.save_predictions("test", run.predictions("validation"))
        run.append(
            "ledger.jsonl", {"time": "t", "command": "c", "split": "test", "n": 1, "top1": 0.5}
        )
    runs[0].append(
        "ledger.jsonl", {"time": "t", "command": "c", "split": "test", "n": 1, "top1": 0.5}
    )
    found = compare(runs[:2], "test")
    assert found.pairs[0].verdict.startswith("a and b: no detectable difference")
    assert found.notes[-1].startswith("test was opened so many times: a 2, b 1;")
    assert [row.test_openings for row in found.rows] == [2, 1]
    assert " test " in found.to_text().splitlines()[0]
    on_validation = compare(runs[:2])
    assert on_validation.rows[0].test_accuracy is None
    assert [len(run.ledger) for run in runs[:2]] == [2, 1]


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
    shutil.copytree(runs[0].path, tmp_path / "other" / "a")
    (pair,) = compare([runs[0], Run(tmp_path / "other" / "a")]).pairs
    assert (pair.a, pair.b) == (str(runs[0].path), str(tmp_path / "other" / "a"))


def test_a_run_that_has_not_ended_is_said(runs):
    (runs[1].path / "result.json").unlink()
    assert "b is unfinished" in compare(runs).to_text()
