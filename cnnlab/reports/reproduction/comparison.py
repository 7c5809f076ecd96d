"""The report's comparison table and its conclusions, from the measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from cnnlab.evaluation.figures import Measured, comparison_chart
from cnnlab.metrics import wilson_interval
from cnnlab.reports.document import Block, Figure, Heading, ItemList, Paragraph, Table
from cnnlab.reports.reproduction.chapter import points
from cnnlab.reports.reproduction.findings import (
    PairFinding,
    confusion_of,
    half_width,
    pair_findings,
)
from cnnlab.reports.reproduction.subject import Subject
from cnnlab.reports.sections.summary import GOAL
from cnnlab.reports.wording import (
    ABSENT,
    accuracy_in_full,
    count,
    enumeration,
    interval_text,
    percent,
)

__all__ = ["accuracy_table", "comparison_chapter", "conclusions", "goal_sentence"]


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


def goal_sentence(subjects: Sequence[Subject]) -> str:
    """Whether the report's goal is met by its best model, on test where it was opened."""
    for subject in subjects:
        evaluation = subject.test or subject.validation
        if subject.letter == "F" and evaluation is not None:
            scores = evaluation.scores
            met = "met" if scores.top1 > GOAL else "not met"
            return (
                f"The report's goal, an accuracy better than {percent(GOAL, 0)}, is {met} by "
                f"{subject.title}: {accuracy_in_full(scores)} on the {evaluation.split} images."
            )
    return f"Whether the report's goal (better than {percent(GOAL, 0)}) is met: F is not done yet."


def conclusions(subjects: Sequence[Subject]) -> list[Block]:
    """What the measurements say of the report's own conclusions; one evaluated run a model."""
    blocks: list[Block] = [Heading("Conclusions"), Paragraph(goal_sentence(subjects))]
    findings = pair_findings(subjects)
    if findings:
        blocks += [Heading("The order of the models", level=3), *_order(findings)]
    blocks += [Heading("Training and validation", level=3), *_gaps(subjects)]
    comparable = [subject for subject in subjects if subject.same_classes]
    if comparable:
        blocks += [Heading("Which classes are confused", level=3), *_confusions(comparable)]
    return blocks


def _order(findings: Sequence[PairFinding]) -> list[Block]:
    subjects = {id(s): s for finding in findings for s in (finding.a, finding.b)}.values()
    by_report = _best_first((s.letter, s.reported.validation) for s in subjects)
    by_us = _best_first((s.letter, s.measured.validation) for s in subjects)
    outcomes = Counter(finding.outcome for finding in findings)
    too_close = [
        f"{finding.a.letter} and {finding.b.letter} ({points(finding.reported)} points)"
        for finding in findings
        if finding.reported < _resolution(finding)
    ]
    said = [
        f"In the report, best first: {by_report}. Measured: {by_us}.",
        f"Of {len(findings)} pairs, the report's order holds in {outcomes['holds']}, is reversed "
        f"in {outcomes['reversed']}, and {outcomes['no detectable difference']} show no "
        "detectable difference.",
    ]
    if too_close:
        said.append(
            "The report's own figures do not tell these apart, by a 95% interval for the number "
            f"of its images: {enumeration(too_close)}."
        )
    rows = [
        [
            f"{finding.a.letter} ahead of {finding.b.letter}",
            points(finding.reported),
            points(finding.measured.difference),
            f"{points(finding.measured.interval.low)} to {points(finding.measured.interval.high)}",
            f"{finding.p_adjusted:.2g}",
            finding.outcome,
        ]
        for finding in findings
    ]
    n = findings[0].measured.n
    return [
        *map(Paragraph, said),
        Table.of(
            ["Pair", "Report, points", "Measured, points", "95% interval", "p", "The order"],
            rows,
            f"Each pair on the same {count(n)} validation images: the difference with its paired "
            "bootstrap interval, and McNemar's exact p-value after Holm's adjustment for "
            f"{len(findings)} pairs. Images vary here, seeds do not: one run a model.",
            text_columns=(0, 5),
        ),
    ]


def _best_first(accuracies: Iterable[tuple[str, float | None]]) -> str:
    known = [(letter, share) for letter, share in accuracies if share is not None]
    ordered = sorted(known, key=lambda pair: -pair[1])
    return ", ".join(f"{letter} ({percent(share, 1)})" for letter, share in ordered)


def _resolution(finding: PairFinding) -> float:
    """The least difference that the report's figures could tell from none."""
    matrix = finding.a.reported_matrix("validation")
    n = int(matrix.sum()) if matrix is not None else 1
    return half_width(finding.a.reported.validation or 0, finding.b.reported.validation or 0, n)


def _gaps(subjects: Sequence[Subject]) -> list[Block]:
    rows, widest = [], ("", 0.0)
    for subject in subjects:
        gaps = [
            None
            if accuracies.train is None or accuracies.validation is None
            else accuracies.train - accuracies.validation
            for accuracies in (subject.reported, subject.measured)
        ]
        rows.append([subject.title, *map(points, gaps)])
        if gaps[1] is not None and gaps[1] > widest[1]:
            widest = (subject.title, gaps[1])
    said = (
        f"The widest measured gap is that of {widest[0]}: {points(widest[1])} points."
        if widest[0]
        else "In no run is the training accuracy above that on the validation set."
    )
    return [
        Paragraph(
            f"{said} The training accuracy is the running mean of an epoch in training mode, with "
            "dropout at work, so it understates what the weights can do."
        ),
        Table.of(
            ["Model", "Report, points", "Measured, points"],
            rows,
            "Training accuracy minus accuracy on the validation set.",
        ),
    ]


def _confusions(subjects: Sequence[Subject]) -> list[Block]:
    rows, pairs, items = [], Counter[str](), []
    for subject in subjects:
        evaluation, matrix = subject.validation, subject.reported_matrix("validation")
        if evaluation is None or matrix is None:
            continue
        names = evaluation.class_names
        theirs, ours = confusion_of(matrix), confusion_of(evaluation.scores.matrix)
        row = [subject.title]
        for found in (theirs, ours):
            pair = " and ".join(names[index] for index in found.pair)
            row += [f"{pair} ({count(found.mistaken)})"]
            row += [f"{names[found.weakest]} ({percent(found.recall, 1)})"]
        rows.append(row)
        pairs[" and ".join(names[index] for index in ours.pair)] += 1
    for pair, times in pairs.most_common():
        items.append(f"{pair}: in {times} of {len(rows)} runs")
    header = [
        f"{what}, {whose}"
        for whose in ("report", "measured")
        for what in ("most confused pair", "least recognised")
    ]
    return [
        Paragraph("The pair of classes that is confused most often, as measured:"),
        ItemList(tuple(items)),
        Table.of(
            ["Model", *header],
            rows,
            "The pair of classes mistaken for one another most often (images, both ways) and the "
            "class with the lowest recall, in the report's matrices and in ours.",
            text_columns=range(5),
            compact=True,
        ),
    ]
