"""The sections of a model card: what each says of a network, and of its run where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cnnlab.evaluation.evaluate import SPLITS, Evaluation
from cnnlab.reports.document import Block, Code, Heading, ItemList, Note, Paragraph, Table
from cnnlab.reports.findings import findings_of, reported
from cnnlab.reports.model_card.subject import CardSubject
from cnnlab.reports.parts import per_class_blocks, scores_table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.sections.data import data
from cnnlab.reports.sections.limitations import limitations
from cnnlab.reports.sections.on_test import on_test
from cnnlab.reports.sections.resources import resources
from cnnlab.reports.sections.training_setup import training_setup
from cnnlab.reports.wording import (
    accuracy_in_full,
    bytes_text,
    count,
    enumeration,
    interval_text,
    percent,
    plural,
    scaled,
)
from cnnlab.runs import command_line

__all__ = ["CARD_SECTIONS", "lead"]

_NOT_IN_A_BUNDLE = (
    "This card was written from a bundle's file, which does not hold this. Write it from the run "
    "directory to have it said."
)

#: Classes that are named where many are weak.
_NAMED_AT_MOST = 10


def lead(subject: CardSubject) -> str:
    """What it is and how good, in two sentences."""
    bundle = subject.bundle
    height, width, channels = bundle.input_shape
    colours = "grey" if channels == 1 else "colour"
    said = (
        f"A convolutional network ({subject.model_name}) that sorts {colours} images of "
        f"{height} x {width} pixels into {count(len(bundle.class_names))} classes, "
        f"trained on {subject.dataset_name}."
    )
    best = None if subject.record is None else reported(subject.record)
    if best is not None:
        said += f" Accuracy on {best.split}: {accuracy_in_full(best.scores)}."
    return said


def _details(subject: CardSubject) -> list[Block]:
    bundle, record = subject.bundle, subject.record
    summary = bundle.architecture.summary().to_dict()
    height, width, channels = bundle.input_shape
    rows = [
        ["name", bundle.name],
        ["architecture", subject.model_name],
        ["input", f"uint8 images, {height} x {width} pixels, {plural(channels, 'channel')}"],
        ["output", f"logits of {count(len(bundle.class_names))} classes"],
        ["classes, in label order", ", ".join(bundle.class_names)],
        ["parameters", count(summary["total_params"])],
        ["memory of the parameters (fp32)", bytes_text(summary["parameters_bytes"])],
        ["computation", f"{scaled(summary['flops'], 'FLOPs')} an image"],
        ["normalisation", f"mean {_numbers(bundle.preprocessing.mean)}, "
                          f"deviation {_numbers(bundle.preprocessing.std)} of pixel / 255"],
        ["temperature", f"{bundle.temperature:.3f}" if bundle.temperature else "not fitted"],
        ["SHA-256 of the weights", str(bundle.origin.get("weights_sha256"))],
        ["trained with", f"cnnlab {bundle.origin.get('cnnlab')}"],
        ["licence", subject.license or "not stated"],
    ]  # fmt: skip
    if record is not None:
        rows.append(["trained on", record.run.created.date().isoformat()])
    table = Table.of(["What", "Value"], rows, "The network.", text_columns=(0, 1))
    return [table, Paragraph("Its layers:"), Code(bundle.architecture.summary().to_text())]


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def _use(subject: CardSubject) -> list[Block]:
    height, width, _ = subject.bundle.input_shape
    classes = subject.bundle.class_names
    return [
        ItemList(
            (
                f"For images like those of {subject.dataset_name}. Others are brought to "
                f"{height} x {width} pixels, and nothing that is measured here says how good the "
                "answers to them are.",
                f"It always answers with one of its {count(len(classes))} classes, whatever an "
                "image shows: it has no way to say that it shows none of them.",
                "Not meant for decisions about people, or where a wrong answer does harm, without "
                "somebody who checks them.",
            )
        )
    ]


def _data(subject: CardSubject) -> list[Block]:
    if subject.record is not None:
        return data([subject.record])
    origin = subject.bundle.origin
    rows = [["name", subject.dataset_name], ["fingerprint", str(origin.get("dataset_fingerprint"))]]
    caption = "The images. The fingerprint is SHA-256 over pixels, labels and class names."
    return [Table.of(["Dataset", "Value"], rows, caption, text_columns=(0, 1))]


def _training(subject: CardSubject) -> list[Block]:
    if subject.record is None:
        return [Note(_NOT_IN_A_BUNDLE)]
    state = [] if subject.record.state is None else [Note(subject.record.state)]
    return [*state, *training_setup([subject.record])]


def _evaluation(subject: CardSubject) -> list[Block]:
    record = subject.record
    if record is None:
        return [Note(_NOT_IN_A_BUNDLE)]
    blocks: list[Block] = [Heading("Validation", level=3)]
    validation = record.evaluation("validation")
    if validation is None:
        blocks.append(Note(record.without_predictions("validation")))
    else:
        blocks += [scores_table(validation), *per_class_blocks(validation)]
        blocks += _calibration(validation)
    blocks += [Heading("Test", level=3), *on_test([record])]
    findings = findings_of(record)
    return (
        [*blocks, Heading("In words", level=3), ItemList(tuple(findings))] if findings else blocks
    )


def _calibration(evaluation: Evaluation) -> list[Block]:
    half = percent(evaluation.coverage.accuracy_at(0.5))
    said = f"On the half of the {evaluation.split} images of which it is surest, {half} are right."
    found = evaluation.calibrated
    if found is not None:
        said = f"Calibration: {found.to_text()}. {said}"
    return [Paragraph(said)]


def _limitations(subject: CardSubject) -> list[Block]:
    record = subject.record
    if record is None:
        return [Note(_NOT_IN_A_BUNDLE)]
    own = [line for split in SPLITS for line in _weak_classes(record, split)]
    own += _overconfidence(record)
    lists = [block for block in limitations([record]) if isinstance(block, ItemList)]
    return [ItemList((*own, *(item for block in lists for item in block.items)))]


def _weak_classes(record: RunRecord, split: str) -> Iterator[str]:
    """Classes whose recall is below the accuracy by more than so few images explain."""
    evaluation = next((e for s in SPLITS if s == split and (e := record.evaluation(s))), None)
    if evaluation is None:
        return
    scores = evaluation.scores
    weak = [
        f"{name} ({percent(entry.recall, 1)}, {interval_text(interval, 1)})"
        for name, entry in zip(evaluation.class_names, scores.per_class, strict=True)
        if (interval := entry.recall_interval) and interval.high < scores.top1_interval.low
    ]
    if weak:
        shown, left = weak[:_NAMED_AT_MOST], len(weak) - _NAMED_AT_MOST
        more = [f"{count(left)} more"] if left > 0 else []
        yield (
            f"On {split} these classes are recognised less often than images on the whole "
            f"({percent(scores.top1, 1)}), with 95% intervals: {enumeration([*shown, *more])}."
        )


def _overconfidence(record: RunRecord) -> Iterator[str]:
    evaluation = reported(record)
    if evaluation is None:
        return
    gap = float(evaluation.probabilities.max(axis=1).mean()) - evaluation.scores.top1
    if gap > 0:
        yield (
            f"Without its temperature it is surer than it is right, by {100 * gap:.1f} points on "
            f"average on {evaluation.split}."
        )


def _how_to(subject: CardSubject) -> list[Block]:
    record = subject.record
    blocks: list[Block] = []
    file = "model.safetensors"
    if record is None:
        file = subject.bundle.source.name
    else:
        blocks += [
            Paragraph("From the run, as one file for cnnlab, and as ONNX for any other program:"),
            Code(
                command_line("export", record.run.name, "--format", "bundle", "--out", file)
                + "\n"
                + command_line("export", record.run.name, "--out", "model.onnx")
            ),
        ]
    return [
        *blocks,
        Paragraph("What do images show?"),
        Code(command_line("predict", file, "IMAGE")),
        Paragraph("The same in Python:"),
        Code(f'import cnnlab\n\nprint(cnnlab.predict("{file}", ["IMAGE"]).to_text())'),
    ]


def _cost(subject: CardSubject) -> list[Block]:
    record = subject.record
    if record is None:
        return [Note(_NOT_IN_A_BUNDLE)]
    blocks: list[Block] = [block for block in resources([record]) if isinstance(block, Table)]
    samples = record.run.resources
    if not samples or samples[-1].get("energy_joules") is None:
        blocks.append(
            Paragraph(
                "The energy was not measured: this machine does not tell it. Time, processor and "
                "load are what an estimate can start from."
            )
        )
    processor = record.environment.get("accelerator") or record.environment.get("processor")
    return [*blocks, Paragraph(f"Hardware: {processor}.")] if processor else blocks


#: The sections in their order, by their titles.
CARD_SECTIONS: dict[str, Callable[[CardSubject], list[Block]]] = {
    "Model details": _details,
    "Intended use": _use,
    "Training data": _data,
    "Training procedure": _training,
    "Evaluation": _evaluation,
    "Limitations": _limitations,
    "How to use": _how_to,
    "Environmental cost": _cost,
}
