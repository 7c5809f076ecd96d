"""The chapter of one model: layers, training, curves, results, what differs from the report."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from cnnlab.evaluation.compare import validated_alike
from cnnlab.evaluation.evaluate import Evaluation
from cnnlab.evaluation.figures import confusion_heat_map
from cnnlab.reports.document import Block, Figure, Heading, ItemList, Note, Paragraph, Table
from cnnlab.reports.parts import confusion_blocks
from cnnlab.reports.reproduction.provenance import training_table
from cnnlab.reports.reproduction.subject import Subject
from cnnlab.reports.sections.architecture import architecture
from cnnlab.reports.sections.learning_curves import curves
from cnnlab.reports.wording import (
    accuracy_in_full,
    count,
    decimal,
    duration,
    enumeration,
    percent,
    plural,
    points,
)

__all__ = ["chapter"]

_COLUMNS = {
    "train": "Training (running mean of the epoch, in training mode)",
    "inner": "Validation inside the fit (its held-out share)",
    "validation": "Fixed validation set",
}


def chapter(subject: Subject, primary: Subject | None) -> list[Block]:
    """All that is to be said of one run; ``primary`` is the run that it is a variant of."""
    state = subject.record.state
    blocks: list[Block] = [Heading(subject.title)]
    if state:
        blocks.append(Note(state))
    if primary is None:
        blocks += [Heading("Layers", level=3), *architecture([subject.record]), _same(subject)]
        blocks += [Heading("Training as the report did it", level=3), training_table(subject)]
    blocks += [*_deviations(subject), *_stages(subject)]
    blocks += [Heading("Learning curves", level=3), *curves([subject.record])]
    blocks += [Heading("Results", level=3), _accuracies(subject), *_confusion(subject)]
    if primary is not None:
        blocks += _against(subject, primary)
    if subject.test is not None:
        blocks += [Heading("Test", level=3), *_on_test(subject, subject.test)]
    return blocks


def _same(subject: Subject) -> Block:
    """Whether the layer table is the report's, row by row."""
    ours = [
        (layer["type"], list(layer["output_shape"]), layer["params"])
        for layer in subject.record.architecture["layers"]
    ]
    theirs = [(kind, shape, params) for _, kind, shape, params in subject.figures["layers"]]
    total, reported = subject.record.architecture["total_params"], subject.figures["total_params"]
    if ours == theirs and total == reported:
        return Paragraph(
            f"Types, output shapes and parameters of all {len(ours)} layers, and the total of "
            f"{count(total)} parameters, are those of the report."
        )
    rows = sum(mine != other for mine, other in zip(ours, theirs, strict=False))
    rows += abs(len(ours) - len(theirs))
    return Note(
        f"{plural(rows, 'row')} of this table differ from the report's, whose total is "
        f"{count(reported)} parameters: the images have another shape or number of classes."
    )


def _deviations(subject: Subject) -> list[Block]:
    if not subject.deviations:
        return [Paragraph("This run differs from the settings above in nothing.")]
    return [
        Paragraph("Known differences between this run and what the report did:"),
        ItemList(tuple(subject.deviations)),
    ]


def _stages(subject: Subject) -> list[Block]:
    """How long each stage went on, and what the training took."""
    result, training = subject.record.result, subject.record.run.config["training"]
    stages = [
        (stage, len(list(lines)))
        for stage, lines in groupby(subject.record.metrics, key=lambda line: int(line["stage"]))
    ]
    if not result or not stages:
        return []
    most = training["epochs"]
    whole = enumeration([f"{epochs}" for _, epochs in stages])
    noun = "stage" if len(stages) == 1 else "stages"
    words = (
        f"Epochs in the {len(stages)} {noun}: {whole}, of at most {most} each. "
        if len(stages) > 1
        else f"It went on for {stages[0][1]} of at most {most} epochs. "
    )
    minutes = subject.figures.get("minutes")
    theirs = f"; the report's took about {minutes} min on its machine" if minutes else ""
    return [Paragraph(f"{words}Training took {duration(result.get('train_seconds'))}{theirs}.")]


def _accuracies(subject: Subject) -> Table:
    reported, measured = subject.reported._asdict(), subject.measured._asdict()
    rows = []
    for key, words in _COLUMNS.items():
        theirs, ours = reported[key], measured[key]
        difference = None if theirs is None or ours is None else ours - theirs
        rows.append([words, percent(theirs), percent(ours), points(difference)])
    return Table.of(
        ["Accuracy", "Report", "Measured", "Difference, points"],
        rows,
        f"The three accuracies of {subject.title}. The report's last one is computed from its "
        "confusion matrix.",
    )


def _heat_map(subject: Subject, split: str, names: list[str]) -> list[Block]:
    """The report's own matrix, where its classes are those of the run."""
    matrix = subject.reported_matrix(split)
    if matrix is None or not subject.same_classes or not subject.is_primary:
        return []
    right, n = int(matrix.trace()), int(matrix.sum())
    return [
        Figure(
            name=f"{subject.record.slug}-report-confusion-{split}",
            svg=confusion_heat_map(matrix, names).svg(),
            alt=(
                f"Heat map of the report's {split} confusion matrix of model {subject.letter}: "
                f"{count(right)} of {count(n)} images are on the diagonal."
            ),
            caption=(
                f"The report's confusion matrix of model {subject.letter}, {split} images: "
                f"{percent(right / n)} right. Rows are true classes, columns are predicted classes."
            ),
        )
    ]


def _confusion(subject: Subject) -> list[Block]:
    evaluation = subject.validation
    if evaluation is None:
        return [Note(subject.record.without_predictions("validation"))]
    return [
        Paragraph(f"On the validation images: {accuracy_in_full(evaluation.scores)}."),
        *confusion_blocks(evaluation, subject.record.slug),
        *_heat_map(subject, "validation", evaluation.class_names),
    ]


def _against(subject: Subject, primary: Subject) -> list[Block]:
    """What the other batch size did, on the same images."""
    result = validated_alike(subject.record.run, primary.record.run)
    if result is None:
        return []
    low, high = result.interval
    return [
        Paragraph(
            f"{subject.title} minus {primary.title}: {points(result.difference)} points on the "
            f"same {count(result.n)} images (95% interval {points(low)} to {points(high)}, "
            f"McNemar's exact p = {result.p_value:.2g}), one run each."
        )
    ]


def _on_test(subject: Subject, test: Evaluation) -> list[Block]:
    matrix = subject.reported_matrix("test")
    theirs = None if matrix is None else float(matrix.trace() / matrix.sum())
    opened = plural(len(subject.record.ledger), "opening")
    said = f"; the report: {percent(theirs)}" if theirs is not None else ""
    return [
        Paragraph(
            f"Test accuracy {accuracy_in_full(test.scores)}{said}. The run's ledger has {opened} "
            "of test."
        ),
        _per_class(subject, test),
        *confusion_blocks(test, subject.record.slug),
        *_heat_map(subject, "test", test.class_names),
    ]


def _per_class(subject: Subject, test: Evaluation) -> Table:
    """The report's table of classes, ours beside it."""
    reported: dict[str, Any] = subject.figures.get("test_report") or {}
    keys = ("precision", "recall", "f1")
    rows = []
    for index, (name, entry) in enumerate(
        zip(test.class_names, test.scores.per_class, strict=True)
    ):
        row = [name]
        for key in keys:
            theirs = reported[key][index] if subject.same_classes and key in reported else None
            row += [decimal(theirs, 2), decimal(getattr(entry, key), 2)]
        rows.append([*row, count(entry.support)])
    header = [f"{key}, {whose}" for key in keys for whose in ("report", "measured")]
    return Table.of(
        ["Class", *header, "Support"],
        rows,
        f"Precision, recall and F1 of each class on the test images; model {subject.letter}.",
        compact=True,
    )
