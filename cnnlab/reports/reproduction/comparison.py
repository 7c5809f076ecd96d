"""The report's comparison table and chart, with what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.evaluation.figures import Measured, comparison_chart
from cnnlab.metrics import wilson_interval
from cnnlab.reports.document import Block, Figure, Heading, Table
from cnnlab.reports.reproduction.subject import Subject
from cnnlab.reports.wording import (
    ABSENT,
    count,
    interval_text,
    percent,
)

__all__ = ["accuracy_table", "comparison_chapter"]


def accuracy_table(subjects: Sequence[Subject]) -> Table:
    """The report's comparison table with what was measured beside each of its figures."""
    rows = []
    for subject in subjects:
        scores = subject.validation.scores if subject.validation else None
        pairs = zip(subject.reported, subject.measured, strict=True)
        rows.append(
            [
                subject.title,
                *(f"{percent(theirs)} | {percent(ours)}" for theirs, ours in pairs),
                interval_text(scores.top1_interval) if scores else ABSENT,
                count(scores.n if scores else None),
            ]
        )
    return Table.of(
        ["Model", "Training", "Inner validation", "Validation set", "95% interval", "n"],
        rows,
        "Accuracies, the report's | as measured. Inner validation is held out inside the fit; the "
        "validation set is fixed, and the interval (Wilson's) and n belong to what was measured on "
        "it. Every run is one seed.",
    )


def comparison_chapter(subjects: Sequence[Subject]) -> list[Block]:
    """Table and chart of report and measurement."""
    blocks: list[Block] = [Heading("Comparison"), accuracy_table(subjects)]
    series: dict[str, list[Measured | None]] = {"report": [], "measured": []}
    for subject in subjects:
        matrix, evaluation = subject.reported_matrix("validation"), subject.validation
        theirs = None
        if matrix is not None:
            right, n = int(matrix.trace()), int(matrix.sum())
            theirs = Measured(right / n, wilson_interval(right, n))
        series["report"].append(theirs)
        scores = evaluation.scores if evaluation else None
        series["measured"].append(Measured(scores.top1, scores.top1_interval) if scores else None)
    titles = [subject.title for subject in subjects]
    said = "; ".join(
        f"{subject.title} {percent(subject.reported.validation)} and "
        f"{percent(subject.measured.validation)}"
        for subject in subjects
    )
    return [
        *blocks,
        Figure(
            name="report-and-measured",
            svg=comparison_chart(titles, series).svg(),
            alt=f"Accuracy on the validation set, report and measured: {said}.",
            caption=(
                "Accuracy on the fixed validation set: the report's (from its confusion matrices) "
                "and the measured one. Whiskers are 95% Wilson intervals over images; they say "
                "nothing of another seed, another split or another machine."
            ),
        ),
    ]
