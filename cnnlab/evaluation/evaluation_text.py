"""What ``cnnlab evaluate`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnlab.metrics import Interval
from cnnlab.tables import text_table

if TYPE_CHECKING:
    from cnnlab.evaluation.evaluate import Evaluation

__all__ = ["evaluation_text"]

#: A wider matrix does not fit a terminal; the report and ``--json`` have it.
_LARGEST_PRINTED_MATRIX = 25


def evaluation_text(evaluation: Evaluation) -> str:
    """Headline, other metrics, confusion matrix, scores of every class."""
    names = evaluation.class_names
    parts = ["\n".join([f"{evaluation.run.path}: {evaluation.headline()}", *_others(evaluation)])]
    if len(names) <= _LARGEST_PRINTED_MATRIX:
        parts.append(_matrix(evaluation))
    return "\n\n".join([*parts, _per_class(evaluation)])


def _others(evaluation: Evaluation) -> list[str]:
    scores, curve = evaluation.scores, evaluation.coverage
    f1, balanced = scores.macro_intervals
    found = evaluation.top_k_share
    lines = [
        f"macro F1 {scores.macro_f1:.4f} ({_range(f1)}), "
        f"balanced accuracy {scores.balanced_accuracy:.4f} ({_range(balanced)})",
        *([f"top-{found[0]} accuracy {found[1]:.4f} ({_range(found[2])})"] if found else []),
        f"NLL {scores.nll:.4f}, Brier {scores.brier:.4f}, "
        f"ECE {scores.ece:.4f} ({scores.ece_bins} equal-mass bins)",
    ]
    if evaluation.calibrated is not None:
        lines.append(evaluation.calibrated.to_text())
    surest = ", ".join(f"{share:.0%}: {curve.accuracy_at(share):.4f}" for share in (0.9, 0.8, 0.5))
    return [
        *lines,
        f"accuracy where only the surest are answered: {surest} "
        f"(mean over all shares: {curve.area:.4f})",
    ]


def _range(interval: Interval) -> str:
    return "{:.4f} to {:.4f}".format(*interval)


def _matrix(evaluation: Evaluation) -> str:
    names = evaluation.class_names
    rows = zip(names, evaluation.scores.matrix.tolist(), strict=True)
    matrix = text_table(
        ["true \\ predicted", *map(str, range(len(names)))],
        [(f"{index} {name}", *row) for index, (name, row) in enumerate(rows)],
    )
    return f"confusion matrix (rows: true classes, columns: predicted classes)\n{matrix}"


def _per_class(evaluation: Evaluation) -> str:
    entries = zip(evaluation.class_names, evaluation.scores.per_class, strict=True)
    rows = [
        (
            name,
            measured["precision"],
            measured["recall"],
            _range(entry.recall_interval) if entry.recall_interval else None,
            measured["f1"],
            entry.support,
        )
        for name, entry in entries
        for measured in [entry.measured()]
    ]
    header = ["class", "precision", "recall", "recall, 95% interval", "f1", "support"]
    return text_table(header, rows)
