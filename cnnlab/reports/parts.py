"""Blocks that more than one section shows: what one split's predictions say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnlab.evaluation.figures import COUNTS_UP_TO, confusion_heat_map
from cnnlab.evaluation.mistakes import confused_pairs
from cnnlab.reports.document import Block, Figure, Paragraph, Table
from cnnlab.reports.wording import (
    ABSENT,
    accuracy_in_full,
    count,
    decimal,
    enumeration,
    interval_text,
    percent,
    share_in_full,
)

if TYPE_CHECKING:
    from cnnlab.evaluation.evaluate import Evaluation

__all__ = ["confusion_blocks", "per_class_blocks", "scores_table"]

_MOST_CONFUSIONS = 10


def confusion_blocks(evaluation: Evaluation, slug: str) -> list[Block]:
    """The matrix as a heat map and as tables, and the mistakes made most often."""
    names, matrix = evaluation.class_names, evaluation.scores.matrix
    what = f"{evaluation.split} images of {evaluation.run.name}"
    blocks: list[Block] = [
        Figure(
            name=f"{slug}-confusion-{evaluation.split}",
            svg=confusion_heat_map(matrix, names).svg(),
            alt=(
                f"Heat map of the confusion matrix of the {what}: {len(names)} true classes as "
                f"rows, predicted classes as columns; {count(evaluation.scores.correct)} of "
                f"{count(evaluation.scores.n)} images are on the diagonal."
            ),
            caption=(
                f"Confusion matrix of the {what}. Rows are true classes, columns are predicted "
                "classes; the colour is the share of the row."
            ),
        )
    ]
    if len(names) <= COUNTS_UP_TO:
        blocks += _matrix_tables(evaluation)
    return blocks + _confusions(evaluation)


def _matrix_tables(evaluation: Evaluation) -> list[Block]:
    """The matrix as counts, and as shares of its rows."""
    names, matrix = evaluation.class_names, evaluation.scores.matrix.tolist()
    header = ["True class \\ predicted", *names, "images"]
    rows = list(zip(names, matrix, strict=True))
    said = f"{evaluation.split} images by true class (rows) and predicted class (columns)"
    counts = [[name, *map(count, row), count(sum(row))] for name, row in rows]
    shares = [
        [
            name,
            *(percent(cell / sum(row), 1) if any(row) else ABSENT for cell in row),
            count(sum(row)),
        ]
        for name, row in rows
    ]
    return [
        Table.of(header, counts, f"The counts: {said}.", compact=True),
        Table.of(
            header,
            shares,
            f"The shares: {said}, in percent of the row's images; the diagonal is the recall.",
            compact=True,
        ),
    ]


def _confusions(evaluation: Evaluation) -> list[Block]:
    names, scores = evaluation.class_names, evaluation.scores
    pairs = confused_pairs(evaluation, _MOST_CONFUSIONS)
    if not pairs:
        return [Paragraph(f"No {evaluation.split} image was classified wrongly.")]
    rows = [
        [names[pair.true], names[pair.predicted], count(pair.count), percent(pair.share, 1)]
        for pair in pairs
    ]
    return [
        Table.of(
            ["True class", "Predicted class", "Images", "Share of the true class"],
            rows,
            f"The most frequent mistakes among the {count(scores.n)} {evaluation.split} images.",
            text_columns=(0, 1),
        )
    ]


def per_class_blocks(evaluation: Evaluation) -> list[Block]:
    """Precision, recall, F1 and support of each class, then their means."""
    names, scores = evaluation.class_names, evaluation.scores
    rows = [
        [
            name,
            decimal(entry.precision),
            decimal(entry.recall),
            decimal(entry.f1),
            count(entry.support),
        ]
        for name, entry in zip(names, scores.per_class, strict=True)
    ]
    blocks: list[Block] = [
        Table.of(
            ["Class", "Precision", "Recall", "F1", "Support"],
            rows,
            f"Scores of each class on the {count(scores.n)} {evaluation.split} images; support is "
            "the number of images of the class.",
        )
    ]
    return blocks + _undefined(evaluation)


def _undefined(evaluation: Evaluation) -> list[Block]:
    """Say which zeros of the table are no measurement."""
    pairs = list(zip(evaluation.class_names, evaluation.scores.per_class, strict=True))
    never = [name for name, entry in pairs if entry.predicted == 0]
    absent = [name for name, entry in pairs if entry.support == 0]
    sentences = []
    if never:
        sentences.append(
            f"Never predicted, so precision is set to 0: {enumeration(_first(never))}."
        )
    if absent:
        sentences.append(
            f"Without an image in this split, so recall is set to 0: {enumeration(_first(absent))}."
        )
    return [Paragraph(" ".join(sentences))] if sentences else []


def _first(names: list[str], most: int = 20) -> list[str]:
    left = len(names) - most
    return names if left <= 0 else [*names[:most], f"{count(left)} more"]


def scores_table(evaluation: Evaluation) -> Table:
    """Every metric of a split."""
    scores = evaluation.scores
    f1, balanced = scores.macro_intervals
    rows = [["Top-1 accuracy", accuracy_in_full(scores)]]
    if scores.top5 is not None:
        rows.append(["Top-5 accuracy", share_in_full(scores.top5, scores.n)])
    rows += [
        [
            "Balanced accuracy (mean recall)",
            f"{percent(scores.balanced_accuracy)} (95% interval {interval_text(balanced)})",
        ],
        [
            "Macro F1",
            f"{decimal(scores.macro_f1)} (95% interval {decimal(f1.low)} to {decimal(f1.high)})",
        ],
        ["Negative log-likelihood (nats)", decimal(scores.nll)],
        ["Brier score (0 to 2)", decimal(scores.brier)],
        [
            "Expected calibration error",
            f"{decimal(scores.ece)} ({scores.ece_bins} equal-mass bins)",
        ],
    ]
    return Table.of(
        ["Metric", "Value"],
        rows,
        f"Metrics of {evaluation.run.name} on the {evaluation.split} images.",
        text_columns=(0, 1),
    )
