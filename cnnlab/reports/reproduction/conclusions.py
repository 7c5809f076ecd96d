"""The report's conclusions, held against the measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from cnnlab.reports.document import Block, Heading, ItemList, Paragraph, Table
from cnnlab.reports.reproduction.findings import (
    PairFinding,
    confusion_of,
    half_width,
    pair_findings,
)
from cnnlab.reports.reproduction.subject import Subject
from cnnlab.reports.sections.summary import GOAL
from cnnlab.reports.wording import (
    accuracy_in_full,
    count,
    enumeration,
    flattened,
    percent,
    points,
)

__all__ = ["conclusions", "goal_sentence"]


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
        blocks += [Heading("What the differences can be put down to", level=3), _causes(findings)]
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
    return [*map(Paragraph, said), _pairs(findings)]


def _pairs(findings: Sequence[PairFinding]) -> Table:
    """A row a pair: what the report says, what was measured, whether its order holds."""
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
    return Table.of(
        ["Pair", "Report, points", "Measured, points", "95% interval", "p", "The order"],
        rows,
        f"Each pair on the same {count(n)} validation images: the difference with its interval "
        "(paired bootstrap; Tango's score where few images differ), and McNemar's exact p-value "
        f"after Holm's adjustment for {len(findings)} pairs. Images vary here, seeds do not: one "
        "run a model.",
        text_columns=(0, 5),
    )


def _best_first(accuracies: Iterable[tuple[str, float | None]]) -> str:
    known = [(letter, share) for letter, share in accuracies if share is not None]
    ordered = sorted(known, key=lambda pair: -pair[1])
    return ", ".join(f"{letter} ({percent(share, 1)})" for letter, share in ordered)


def _resolution(finding: PairFinding) -> float:
    """The least difference that the report's figures could tell from none."""
    matrix = finding.a.reported_matrix("validation")
    n = int(matrix.sum()) if matrix is not None else 1
    return half_width(finding.a.reported.validation or 0, finding.b.reported.validation or 0, n)


def _causes(findings: Sequence[PairFinding]) -> Block:
    """For each model and the next better one of the report: in what else they differ."""
    said = []
    for better, worse in _neighbours(findings):
        finding = next(f for f in findings if (f.a, f.b) == (better, worse))
        changed = _changed_settings(better, worse)
        settings = f"their layers and {enumeration(changed)}" if changed else "their layers alone"
        so = (
            "so the difference belongs to all of these together"
            if changed
            else "so, but for chance, the difference is that of the layers"
        )
        said.append(
            f"{better.letter} and {worse.letter} ({points(finding.measured.difference)} points "
            f"measured, {points(finding.reported)} in the report) differ in {settings}; {so}."
        )
    return ItemList(tuple(said))


def _neighbours(findings: Sequence[PairFinding]) -> list[tuple[Subject, Subject]]:
    """Pairs of models that follow one another in the report's order, best first."""
    order = list(dict.fromkeys(s for found in findings for s in (found.a, found.b)))
    order.sort(key=lambda subject: -(subject.reported.validation or 0))
    compared = {(found.a, found.b) for found in findings}
    return [pair for pair in pairwise(order) if pair in compared]


def _changed_settings(a: Subject, b: Subject) -> list[str]:
    """The settings of training in which two runs differ."""
    first, second = (
        dict(flattened({key: settings[key] for key in ("training", "optimizer")}))
        for settings in (a.record.run.settings, b.record.run.settings)
    )
    keys = dict.fromkeys([*first, *second])
    sequential = "sequential" in (first["training.mode"], second["training.mode"])
    ignored = () if sequential else ("training.stage_size", "training.stages")
    return [key for key in keys if first.get(key) != second.get(key) and key not in ignored]


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
