"""Recipes over several seeds, on run directories made without training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from small_runs import make_run

from cnnlab.evaluation.compare import compare
from cnnlab.evaluation.compare.recipes import recipes_of
from cnnlab.runs import Predictions, Run, open_runs

N = 1000
LABELS = np.arange(N) % 2
A, B = (0.80, 0.82, 0.81, 0.83), (0.76, 0.77, 0.75, 0.78)


def recipe(
    folder: Path,
    name: str,
    accuracies: Sequence[float],
    *,
    lr: float,
    first: int = 0,
    group: str | None = None,
    rows: int = 0,
) -> list[Run]:
    """A run for each accuracy, of seeds from ``first`` on, judged on images from ``rows`` on."""
    runs = []
    for seed, accuracy in enumerate(accuracies, start=first):
        run = make_run(folder, f"{name}-seed{seed}")
        config = (run.path / "config.yaml").read_text().replace("seed: 0", f"seed: {seed}", 1)
        (run.path / "config.yaml").write_text(config.replace("lr: 0.001", f"lr: {lr}"))
        if group is not None:
            (run.path / "group.json").write_text(json.dumps({"name": group}))
        generator = np.random.default_rng(seed)
        wrong = generator.permutation(N)[round(accuracy * N) :]
        answers = LABELS.copy()
        answers[wrong] = 1 - answers[wrong]
        logits = np.eye(2, dtype=np.float32)[answers]
        indices = np.arange(rows, rows + N)
        run.save_predictions("validation", Predictions(logits, LABELS, indices))
        runs.append(Run(run.path))
    return runs


def test_the_same_seeds_are_compared_in_pairs(tmp_path: Path) -> None:
    runs = recipe(tmp_path, "a", A, lr=0.002) + recipe(tmp_path, "b", B, lr=0.003)
    found = compare(runs)
    (pair,) = found.pairs
    expected = stats.ttest_rel(A, B)
    assert (pair.a, pair.b, pair.result.method) == ("a", "b", "paired t")
    assert pair.result.p_value == pytest.approx(expected.pvalue)
    record = json.loads(json.dumps(found.to_dict()))
    ends = expected.confidence_interval()
    assert record["pairs"][0]["interval"] == pytest.approx([ends.low, ends.high])
    assert record["pairs"][0]["probability_of_improvement"] == 1.0
    assert pair.verdict.startswith("a is better than b by 5.0 points (95% CI 3.7 to 6.3, p = 0.00")
    assert "4 and 4 seeds, paired t, n = 1,000" in pair.verdict
    assert [r["mean"] for r in record["recipes"]] == pytest.approx([np.mean(A), np.mean(B)])
    assert record["recipes"][0]["sd"] == pytest.approx(np.std(A, ddof=1))
    assert record["recipes"][0]["seeds"] == [0, 1, 2, 3]
    assert [row["recipe"] for row in record["runs"]] == ["a"] * 4 + ["b"] * 4
    text = found.to_text()
    assert "95% interval of the mean" in text
    assert "note: with fewer than 5 seeds" in text


def test_other_seeds_are_compared_by_welch(tmp_path: Path) -> None:
    runs = recipe(tmp_path, "a", A, lr=0.002) + recipe(tmp_path, "b", B[:3], lr=0.003, first=1)
    (pair,) = compare(runs).pairs
    assert pair.result.method == "Welch's t"
    expected = stats.ttest_ind(A, B[:3], equal_var=False)
    assert pair.result.p_value == pytest.approx(expected.pvalue)


def test_a_single_seed_is_taken_to_vary_as_the_other_recipe(tmp_path: Path) -> None:
    runs = recipe(tmp_path, "a", A, lr=0.002) + recipe(tmp_path, "b", B[:1], lr=0.003)
    found = compare(runs)
    assert found.pairs[0].result.method == "pooled t"
    assert found.pairs[0].result.p_value == pytest.approx(stats.ttest_ind(A, B[:1]).pvalue)
    assert "a recipe with one seed is taken to vary as the other one does" in found.notes


def test_no_ranking_inside_the_noise_but_how_many_seeds(tmp_path: Path) -> None:
    close = (0.79, 0.83, 0.80, 0.83)
    runs = recipe(tmp_path, "a", A, lr=0.002) + recipe(tmp_path, "b", close, lr=0.003)
    (pair,) = compare(runs).pairs
    assert pair.verdict.startswith("a and b: no detectable difference (p = 0.")
    needed = pair.to_dict()["seeds_needed"]
    assert f"about {needed:,} seeds each would tell" in pair.verdict
    assert needed > 4
    (wide,) = compare(runs, margin=0.05).pairs
    assert wide.verdict.startswith("a and b: equivalent within 5 points (90% CI -")


def test_trainings_that_agree_to_the_image_do_not_pass_for_certain(tmp_path: Path) -> None:
    runs = recipe(tmp_path, "a", (0.501, 0.501), lr=0.002)
    runs += recipe(tmp_path, "b", (0.5, 0.5), lr=0.003)
    (pair,) = compare(runs).pairs
    # One image of 1,000 apart, known to 1 / sqrt(12) images each: t = sqrt(12), one degree.
    assert pair.result.p_value == pytest.approx(2 * stats.t.sf(12**0.5, 1))
    assert "no detectable difference" in pair.verdict


def test_one_recipe_s_runs_are_compared_one_by_one(tmp_path: Path) -> None:
    runs = recipe(tmp_path, "a", A[:2], lr=0.002)
    found = compare(runs)
    assert [(pair.a, pair.b) for pair in found.pairs] == [("a-seed0", "a-seed1")]
    assert found.notes[0].startswith("all are a with other seeds")
    assert len(found.recipes) == 1


def test_three_recipes_have_p_values_after_holm(tmp_path: Path) -> None:
    runs = [
        run
        for name, lr, accuracies in (("a", 0.002, A), ("b", 0.003, B), ("c", 0.004, A[::-1]))
        for run in recipe(tmp_path, name, accuracies, lr=lr)
    ]
    pairs = compare(runs).pairs
    assert [(pair.a, pair.b) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(pair.p_holm >= pair.result.p_value for pair in pairs)
    assert "after Holm for 3 pairs" in pairs[0].verdict


def test_one_training_done_twice_is_no_second_seed(tmp_path: Path) -> None:
    first = recipe(tmp_path / "x", "a", A[:1], lr=0.002)
    again = recipe(tmp_path / "y", "b", A[1:2], lr=0.002)
    found = recipes_of(first + again, ["a", "b"])
    assert [(r.label, len(r.runs)) for r in found] == [("a", 1), ("b", 1)]


def test_a_seed_that_comes_again_leaves_the_recipe_as_it_is(tmp_path: Path) -> None:
    """As the commands of a report's appendix make it."""
    before = recipe(tmp_path, "a", A, lr=0.002) + recipe(tmp_path, "b", B, lr=0.003)
    (expected,) = compare(before).pairs
    again = recipe(tmp_path / "again", "c", A[:2], lr=0.002)
    found = compare([*before, *again])
    assert [(pair.a, pair.b, pair.verdict) for pair in found.pairs] == [
        ("a", "b", expected.verdict)
    ]
    assert found.not_compared == [
        "c-seed0: it repeats seed 0 of a, and counts once",
        "c-seed1: it repeats seed 1 of a, and counts once",
    ]
    assert [(r.label, len(r.runs)) for r, _ in found.recipes] == [
        ("a", 4), ("c-seed0", 1), ("c-seed1", 1), ("b", 4)
    ]  # fmt: skip
    alone = compare([*before[:4], *again])
    assert len(alone.pairs) == 6
    assert len(alone.not_compared) == 2


def test_recipes_on_other_images_are_not_compared(tmp_path: Path) -> None:
    runs = recipe(tmp_path, "a", A, lr=0.002) + recipe(tmp_path, "b", B, lr=0.003, rows=5)
    found = compare(runs)
    assert found.pairs == []
    assert found.not_compared == ["a and b: judged on different images, so not comparable"]


def test_a_group_s_name_stands_for_its_runs_and_is_the_label(tmp_path: Path) -> None:
    recipe(tmp_path, "x", A, lr=0.002, group="wide")
    recipe(tmp_path, "y", B, lr=0.003)
    runs = open_runs(["wide", "y-seed0"], runs=tmp_path)
    assert [run.name for run in runs] == [*(f"x-seed{n}" for n in range(4)), "y-seed0"]
    assert [pair.a for pair in compare(runs).pairs] == ["wide"]


def test_groups_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    runs = recipe(old, "base", A, lr=0.002) + recipe(new, "base", B, lr=0.003)
    found = compare(runs)
    labels = [f"base ({folder / 'base-seed0'} ...)" for folder in (old, new)]
    assert [recipe.label for recipe, _ in found.recipes] == labels
    assert [(pair.a, pair.b) for pair in found.pairs] == [tuple(labels)]
    assert len({row.run for row in found.rows}) == 8
    assert str(old / "base-seed1") in found.to_text()


def test_a_run_without_predictions_does_not_count(tmp_path: Path) -> None:
    runs = recipe(tmp_path, "a", A, lr=0.002) + recipe(tmp_path, "b", B, lr=0.003)
    (runs[0].path / "predictions" / "validation.npz").unlink()
    (pair,) = compare(runs).pairs
    assert (pair.result.n_a, pair.result.n_b, pair.result.method) == (3, 4, "Welch's t")
    for run in runs[1:4]:
        (run.path / "predictions" / "validation.npz").unlink()
    assert compare(runs).not_compared == ["a and b: a has no validation predictions"]
