"""From findings to their document."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from cnnlab.evaluation.audit.findings import PROBLEMS, Findings
from cnnlab.evaluation.audit.text import copies_text, undrifted
from cnnlab.reports.audit.pictures import balance_figure, pairs_figure, suspects_figure
from cnnlab.reports.audit.tables import (
    accuracy_table,
    drift_table,
    noise_table,
    pairs_table,
    suspects_table,
)
from cnnlab.reports.document import (
    Block,
    Document,
    Heading,
    ItemList,
    KeyFigure,
    KeyFigures,
    Note,
    Paragraph,
)
from cnnlab.reports.wording import count, percent

__all__ = ["build_audit"]

_KEYS = ("duplicates-across", "duplicates", "label-errors", "broken-images")
_MOST_FILES = 100


def build_audit(findings: Findings) -> Document:
    """Say what was found, check by check, the images themselves shown."""
    blocks = [
        *_summary(findings),
        *_duplicates(findings),
        *_label_errors(findings),
        *_images(findings),
        *_balance(findings),
        *_drift(findings),
    ]
    return Document(
        title=findings.dataset.name,
        subtitle="Audit of a dataset",
        blocks=tuple(blocks),
        footer=f"Written by cnnlab {version('cnnlab')}; the data's fingerprint is "
        f"{findings.dataset.fingerprint}.",
    )


def _summary(findings: Findings) -> Iterator[Block]:
    counts = findings.counts()
    figures = [
        KeyFigure(key.replace("-", " "), count(counts[key]), PROBLEMS[key])
        for key in _KEYS
        if key in counts
    ]
    yield Heading("Summary")
    if figures:
        yield KeyFigures(tuple(figures))
    parts = ", ".join(f"{count(len(rows))} {part}" for part, rows in findings.parts.items())
    yield Paragraph(f"{findings.dataset.name} ({findings.dataset.origin}): {parts} images.")
    for check, reason in findings.left_out.items():
        yield Note(f"Not looked for: {check}: {reason}.")


def _duplicates(findings: Findings) -> Iterator[Block]:
    found = findings.duplicates
    if found is None:
        return
    yield Heading("Copies")
    if not len(found.first):
        yield Paragraph("No image stands twice, neither byte for byte nor as another version.")
        return
    yield ItemList(tuple(f"{copies_text(**vars(copies))}." for copies in findings.copies))
    yield Paragraph(
        "Exact copies have the same pixels. Near copies are two versions of one picture: their "
        f"perceptual hashes differ in at most {found.radius} of 64 bits and their details "
        f"correlate, at least {found.thresholds.min():.2f} (from class to class up to "
        f"{found.thresholds.max():.2f}, where images of a class are much alike by chance)."
    )
    conflicting = findings.conflicting()
    if len(conflicting):
        said = "images are in groups of copies that have more than one label."
        yield Note(f"{count(len(conflicting))} {said}")
    yield pairs_figure(findings)
    yield pairs_table(findings)
    if findings.accuracy:
        yield accuracy_table(findings)


def _label_errors(findings: Findings) -> Iterator[Block]:
    found = findings.label_errors
    if found is None:
        return
    yield Heading("Labels that are likely wrong")
    suspects = len(found.noise.suspects)
    yield Paragraph(
        f"{count(suspects)} of {count(len(findings.dataset))} labels are suspects; the estimated "
        f"share of wrong labels is {percent(found.noise.noise)}. Each image was predicted by a "
        f"network trained on other folds ({int(found.folds.max()) + 1} of them), which is right "
        f"for {percent(found.accuracy)} of the labels; confident learning (Northcutt, Jiang and "
        "Chuang, 2021) compares labels and probabilities. The weaker the networks, the more "
        "suspects are merely hard images: look before you change a label."
    )
    if suspects:
        yield suspects_figure(findings)
        yield suspects_table(findings)
        yield noise_table(findings)


def _images(findings: Findings) -> Iterator[Block]:
    if findings.constant is None:
        return
    yield Heading("Broken and odd images")
    lines = [f"{file}: {reason}" for file, reason in findings.broken.items()]
    lines += [f"{odd.file}: {odd.problem}, {odd.width}x{odd.height}" for odd in findings.odd]
    lines += [f"{findings.name_of(int(row))}: of one colour" for row in findings.constant]
    more = len(lines) - _MOST_FILES
    if lines:
        rest = [f"and {count(more)} more; findings.csv names them all"] if more > 0 else []
        yield ItemList((*lines[:_MOST_FILES], *rest))
    else:
        yield Paragraph("None: every image can be read, and has more than one colour.")


def _balance(findings: Findings) -> Iterator[Block]:
    found, names = findings.balance, findings.dataset.class_names
    if found is None:
        return
    yield Heading("Classes")
    yield balance_figure(findings)
    for part, missing in found.missing.items():
        if missing:
            yield Note(f"{part} has no image of {', '.join(names[at] for at in missing[:20])}.")
    ratios = ", ".join(f"{part} {ratio:.2g}" for part, ratio in found.ratios.items())
    yield Paragraph(f"Images of the largest class over those of the smallest: {ratios}.")
    for shift in found.shifts:
        yield Paragraph(
            f"Shares of the classes, {shift.part} against {shift.reference}: they differ by "
            f"{shift.distance:.3f} (total variation), chi-squared test p = {shift.p_value:.2g}."
        )


def _drift(findings: Findings) -> Iterator[Block]:
    if findings.drift is None:
        return
    yield Heading("Drift between parts")
    yield from (Paragraph(f"{said[:1].upper()}{said[1:]}.") for said in undrifted(findings))
    if not findings.drift:
        return
    yield ItemList(tuple(f"{drift.to_text()}." for drift in findings.drift))
    yield Paragraph(
        "A logistic regression on brightness, contrast, sharpness, colour and coarse layout is "
        "asked which part an image is from (classifier two-sample test, Lopez-Paz and Oquab, "
        "2017): an AUC of 0.5 means it cannot tell. What these features do not show, it misses."
    )
    yield drift_table(findings)
