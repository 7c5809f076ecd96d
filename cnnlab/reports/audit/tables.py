"""The tables of an audit's document."""

from __future__ import annotations

from cnnlab.evaluation.audit.findings import Findings
from cnnlab.evaluation.audit.records import noise_pairs
from cnnlab.evaluation.audit.text import share_text
from cnnlab.reports.document import Table
from cnnlab.reports.wording import count, decimal

__all__ = ["accuracy_table", "drift_table", "noise_table", "pairs_table", "suspects_table"]

_MOST_ROWS, _MOST_NOISE_PAIRS = 100, 15


def pairs_table(findings: Findings) -> Table:
    """The pairs by name."""
    found = findings.duplicates
    assert found is not None
    places = findings.pairs_by_interest()[:_MOST_ROWS].tolist()
    rows = []
    for place in places:
        ends = (int(found.first[place]), int(found.second[place]))
        kind = "exact" if found.exact[place] else "near"
        rows.append(
            [
                *(f"{findings.part_of(row)} {findings.name_of(row)}" for row in ends),
                " / ".join(findings.class_of(row) for row in ends),
                f"{kind}, mirrored" if found.mirrored[place] else kind,
                decimal(float(found.likeness[place]), 2),
            ]
        )
    return Table.of(
        ["Image", "Copy", "Labels", "Kind", "Likeness"],
        rows,
        f"{len(rows)} of {count(len(found.first))} pairs, those across parts first, the least "
        "alike first; findings.csv has all.",
        text_columns=(0, 1, 2, 3),
    )


def accuracy_table(findings: Findings) -> Table:
    """A run's accuracy with and without the images that it was trained on copies of."""
    rows = [
        [one.split, *map(share_text, (one.everything, one.without_twins, one.twins))]
        for one in findings.accuracy
    ]
    return Table.of(
        ["Split", "All images", "Without a copy in train", "With a copy in train"],
        rows,
        "Top-1 accuracy of the run by its saved predictions, with 95% Wilson intervals.",
        text_columns=(0, 1, 2, 3),
    )


def suspects_table(findings: Findings) -> Table:
    """The suspects by name."""
    found = findings.label_errors
    assert found is not None
    noise, names = found.noise, findings.dataset.class_names
    rows = [
        [
            f"{findings.part_of(int(row))} {findings.name_of(int(row))}",
            findings.class_of(int(row)),
            names[noise.suggested[place]],
            decimal(found.confidence(place), 3),
            decimal(float(noise.margins[place]), 3),
        ]
        for place, row in enumerate(noise.suspects[:_MOST_ROWS])
    ]
    return Table.of(
        ["Image", "Label", "Rather", "Probability", "Margin"],
        rows,
        f"{len(rows)} of {count(len(noise.suspects))} suspects, the likeliest first; margin: the "
        "label's probability less the other class's.",
        text_columns=(0, 1, 2),
    )


def noise_table(findings: Findings) -> Table:
    """Which classes are estimated to be mixed up how often."""
    rows = [
        [given, true, decimal(images, 0)]
        for given, true, images in noise_pairs(findings)[:_MOST_NOISE_PAIRS]
    ]
    return Table.of(
        ["Label", "True class", "Images, estimated"],
        rows,
        "The confident joint: how many images of each label are estimated to be of another class.",
        text_columns=(0, 1),
    )


def drift_table(findings: Findings) -> Table:
    """Means of simple properties, and the sizes of their differences."""
    rows = [
        [
            f"{drift.part} against {drift.reference}",
            effect.name,
            decimal(effect.mean),
            decimal(effect.reference_mean),
            f"{effect.size:+.3f}",
        ]
        for drift in findings.drift or ()
        for effect in drift.effects
    ]
    return Table.of(
        ["Parts", "Property", "Mean", "Mean of the reference", "Cohen's d"],
        rows,
        "Properties of the images in units of pixel / 255; d of 0.2 is small, 0.5 medium.",
        text_columns=(0, 1),
    )
