"""Every figure of a report, taken out of the page and computed again from the saved logits.

NumPy, scikit-learn, SciPy and statsmodels do it; nothing of cnnlab's own metrics is asked.
"""

from __future__ import annotations

import numpy as np
import pytest
from report_pages import Saved, Tables, numbers
from scipy.special import log_softmax, softmax
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from cnnlab.reports import build_document
from cnnlab.reports.html import render_html
from cnnlab.runs import Run


@pytest.fixture(scope="module")
def page(pictured_run: Run) -> Tables:
    return Tables(render_html(build_document([pictured_run])))


@pytest.fixture(scope="module", params=["validation", "test"])
def split(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def saved(pictured_run: Run, split: str) -> Saved:
    return Saved(pictured_run, split)


@pytest.fixture(scope="module")
def validation(pictured_run: Run) -> Saved:
    return Saved(pictured_run, "validation")


@pytest.fixture(scope="module")
def names(pictured_run: Run) -> list[str]:
    return pictured_run.class_names


def equal_mass_ece(shares: np.ndarray, labels: np.ndarray, bins: int) -> float:
    """By the definition: quantiles of the confidence are the borders of the bins."""
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    borders = np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1])
    where = (confidence[:, None] > borders).sum(axis=1)
    gaps = [
        (where == b).sum() * abs(right[where == b].mean() - confidence[where == b].mean())
        for b in range(bins)
        if (where == b).any()
    ]
    return float(sum(gaps) / len(labels))


def test_the_metrics_of_a_split(page: Tables, saved: Saved, split: str) -> None:
    rows = {row[0]: numbers(row[1]) for row in page.table("Metrics of pictured", split)}
    n, right = len(saved.labels), int((saved.labels == saved.said).sum())
    low, high = proportion_confint(right, n, method="wilson")
    top1 = accuracy_score(saved.labels, saved.said)
    assert rows["Top-1 accuracy"] == pytest.approx(
        [100 * top1, 95, 100 * low, 100 * high, n], abs=0.005
    )
    five = top_k_accuracy_score(saved.labels, saved.logits, k=5, labels=list(saved.classes))
    assert rows["Top-5 accuracy"][0] == pytest.approx(100 * five, abs=0.005)
    balanced = balanced_accuracy_score(saved.labels, saved.said)
    assert rows["Balanced accuracy (mean recall)"][0] == pytest.approx(100 * balanced, abs=0.005)
    macro = f1_score(saved.labels, saved.said, average="macro")
    assert rows["Macro F1"][0] == pytest.approx(macro, abs=5e-5)
    loss = log_loss(saved.labels, saved.shares, labels=list(saved.classes))
    assert rows["Negative log-likelihood (nats)"] == pytest.approx([loss], abs=5e-5)
    hot = np.eye(len(saved.classes))[saved.labels]
    brier = ((saved.shares - hot) ** 2).sum(axis=1).mean()
    assert rows["Brier score (0 to 2)"][0] == pytest.approx(brier, abs=5e-5)
    ece, bins = rows["Expected calibration error"]
    assert ece == pytest.approx(equal_mass_ece(saved.shares, saved.labels, int(bins)), abs=5e-5)


def test_the_matrix_as_counts_and_as_shares(page: Tables, saved: Saved, split: str) -> None:
    counts = page.table("The counts:", split)
    assert [[int(cell) for cell in row[1:-1]] for row in counts] == saved.matrix.tolist()
    assert [int(row[-1]) for row in counts] == np.bincount(saved.labels).tolist()
    shares = page.table("The shares:", split)
    by_hand = 100 * saved.matrix / saved.matrix.sum(axis=1, keepdims=True)
    for row, expected in zip(shares, by_hand, strict=True):
        assert [numbers(cell)[0] for cell in row[1:-1]] == pytest.approx(list(expected), abs=0.05)


def test_the_scores_of_each_class(page: Tables, saved: Saved, split: str, names: list[str]) -> None:
    rows = page.table("Scores of each class", split)
    expected = precision_recall_fscore_support(
        saved.labels, saved.said, labels=list(saved.classes), zero_division=0
    )
    for at, row in enumerate(rows):
        assert row[0] == names[at]
        assert [float(cell) for cell in row[1:]] == pytest.approx(
            [column[at] for column in expected], abs=5e-5
        )


def test_the_most_frequent_mistakes(
    page: Tables, saved: Saved, split: str, names: list[str]
) -> None:
    rows = page.table("The most frequent mistakes among", split)
    wrong = saved.matrix - np.diag(np.diag(saved.matrix))
    assert [int(row[2]) for row in rows] == sorted(wrong.ravel().tolist(), reverse=True)[
        : len(rows)
    ]
    for true, predicted, count, share in rows:
        cell = saved.matrix[names.index(true), names.index(predicted)]
        assert int(count) == cell
        of = saved.matrix[names.index(true)].sum()
        assert numbers(share)[0] == pytest.approx(100 * cell / of, abs=0.05)


def test_the_hardest_images(
    page: Tables, validation: Saved, names: list[str], pictured_run: Run
) -> None:
    rows = page.table("The hardest validation images")
    wrong = np.flatnonzero(validation.labels != validation.said)
    surest = wrong[np.argsort(-validation.shares[wrong].max(axis=1), kind="stable")][:15]
    assert len(rows) == 15
    labels = pictured_run.open_dataset().labels
    for row, place in zip(rows, surest, strict=True):
        assert int(row[0]) == validation.rows[place]
        assert row[1] == names[labels[int(row[0])]]
        assert row[2] == names[validation.said[place]]
        assert float(row[3]) == pytest.approx(validation.shares[place].max(), abs=5e-5)
        own = validation.shares[place, validation.labels[place]]
        assert float(row[4]) == pytest.approx(own, abs=5e-5)


def test_the_summary(page: Tables, pictured_run: Run) -> None:
    (text,) = page.key_figures
    for split in ("validation", "test"):
        saved = Saved(pictured_run, split)
        right, n = int((saved.labels == saved.said).sum()), len(saved.labels)
        low, high = proportion_confint(right, n, method="wilson")
        shown = f"{split} accuracy{100 * right / n:.2f}%95% interval {100 * low:.2f}%"
        assert f"{shown} to {100 * high:.2f}%, n = {n:,}" in text


def test_the_conclusions(page: Tables, pictured_run: Run, names: list[str]) -> None:
    test, validation = (Saved(pictured_run, split) for split in ("test", "validation"))
    n, right = len(test.labels), int((test.labels == test.said).sum())
    share = 100 * np.bincount(test.labels).max() / n
    found = numbers(page.item("finds the class of"))
    assert found[:3] == pytest.approx([right, n, 100 * right / n], abs=0.005)
    assert found[-1] == pytest.approx(share, abs=0.05)

    hits, images = int((validation.labels == validation.said).sum()), len(validation.labels)
    low, high = confint_proportions_2indep(hits, images, right, n, method="newcomb")
    said = numbers(page.item("Validation minus test"))
    expected = [hits / images - right / n, low, high]
    assert [said[0], *said[2:4]] == pytest.approx([100 * v for v in expected], abs=0.005)

    (chosen,) = [line["train_accuracy"] for line in pictured_run.metrics if line["epoch"] == 3]
    gap = 100 * (chosen - hits / images)
    side = "above" if gap > 0 else "below"
    said = f"was {100 * chosen:.2f}%, {abs(gap):.2f} points {side} validation's"
    assert said in page.item("In the epoch whose weights were kept")

    recall = np.diag(test.matrix) / test.matrix.sum(axis=1)
    text = page.item("It recognises")
    assert f"It recognises {names[int(recall.argmax())]} ({100 * recall.max():.1f}%" in text
    least = text.partition(" best and ")[2]
    assert f"({100 * recall.min():.1f}%" in least
    assert all(names[label] in least for label in np.flatnonzero(recall == recall.min())[:3])

    both = np.triu(test.matrix + test.matrix.T, k=1)
    first, second = np.unravel_index(int(both.argmax()), both.shape)
    text = page.item("taken for one another most often")
    assert text.startswith(f"{names[first]} and {names[second]} are")
    assert numbers(text)[:2] == [both.max(), n - right]

    sure = test.shares.max(axis=1).mean()
    found = numbers(page.item("On average it is"))
    gap = abs(sure - right / n)
    assert found[:3] == pytest.approx([100 * sure, 100 * right / n, 100 * gap], abs=0.005)
    assert found[3] == pytest.approx(equal_mass_ece(test.shares, test.labels, 15), abs=5e-5)


def test_the_temperature_s_effect(page: Tables, pictured_run: Run) -> None:
    """On test, with the temperature that makes validation's loss lowest, found by a search."""
    from scipy.optimize import minimize_scalar

    validation, test = (Saved(pictured_run, split) for split in ("validation", "test"))

    def loss(temperature: float) -> float:
        logs = log_softmax(validation.logits / temperature, axis=1)
        return float(-logs[np.arange(len(logs)), validation.labels].mean())

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9}).x
    shown = numbers(page.item("Dividing its logits by"))[-2:]
    after = equal_mass_ece(softmax(test.logits / best, axis=1), test.labels, 15)
    assert shown == pytest.approx([best, after], abs=6e-4)


def test_the_images_of_each_class(page: Tables, pictured_run: Run, names: list[str]) -> None:
    labels = pictured_run.open_dataset().labels
    rows = page.table("Images of each class in each part")
    for column, part in enumerate(("train", "validation", "test"), start=1):
        counts = np.bincount(labels[np.array(pictured_run.split[part])], minlength=len(names))
        assert [int(row[column]) for row in rows] == [*counts, counts.sum()]


def test_the_copies_across_parts(page: Tables, pictured_run: Run) -> None:
    images, split = pictured_run.open_dataset().images, pictured_run.split
    train = {images[row].tobytes() for row in split["train"]}
    found = [sum(images[row].tobytes() in train for row in split[part])
             for part in ("validation", "test")]  # fmt: skip
    assert sum(found) > 0
    said = numbers(page.item("stand in training byte for byte"))
    assert [said[0], said[3]] == found
