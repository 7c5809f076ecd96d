"""The figures of an audit's document."""

from __future__ import annotations

import numpy as np

from cnnlab.evaluation.audit.findings import Findings
from cnnlab.evaluation.figures import (
    ROWS_UP_TO,
    SAMPLES_A_CLASS,
    DatasetFigure,
    captioned_images,
    dataset_figure,
)
from cnnlab.reports.document import Figure

__all__ = ["balance_figure", "pairs_figure", "suspects_figure"]

_MOST_PAIRS, _MOST_SUSPECTS = 24, 30


def pairs_figure(findings: Findings) -> Figure:
    """Pairs of copies, those across parts first; evenly over all degrees of likeness."""
    found = findings.duplicates
    assert found is not None
    order = findings.pairs_by_interest()
    parts = findings.part_numbers
    across = order[parts[found.first[order]] != parts[found.second[order]]]
    pool = across if len(across) else order
    picks = pool[np.linspace(0, len(pool) - 1, min(_MOST_PAIRS, len(pool))).astype(np.int64)]
    rows = np.stack([found.first[picks], found.second[picks]], axis=1)
    captions = [
        [
            *(f"{findings.part_of(int(r))} {findings.name_of(int(r))}" for r in pair),
            " / ".join(dict.fromkeys(findings.class_of(int(row)) for row in pair)),
            "exact"
            if found.exact[place]
            else f"likeness {found.likeness[place]:.2f}, {found.bits[place]} bits"
            + (", mirrored" if found.mirrored[place] else ""),
        ]
        for pair, place in zip(rows, picks, strict=True)
    ]
    picture = captioned_images(findings.dataset.images[rows.ravel()], captions, side_by_side=2)
    return Figure(
        name="copies",
        svg=picture.svg(),
        alt=f"{len(picks)} pairs of images that show the same picture.",
        caption=f"{len(picks)} of {len(found.first):,} pairs of copies"
        + (" that lie in two parts" if len(across) else "")
        + ", from the least alike to exact ones; below each its parts and names, labels, likeness.",
    )


def suspects_figure(findings: Findings) -> Figure:
    """The labels that are likeliest wrong."""
    found = findings.label_errors
    assert found is not None
    noise, names = found.noise, findings.dataset.class_names
    places = range(min(_MOST_SUSPECTS, len(noise.suspects)))
    rows = noise.suspects[: len(places)]
    captions = [
        [
            f"{findings.part_of(int(row))} {findings.name_of(int(row))}",
            f"label: {findings.class_of(int(row))}",
            f"{names[noise.suggested[place]]}? {found.confidence(place):.2f}",
        ]
        for place, row in zip(places, rows, strict=True)
    ]
    return Figure(
        name="suspects",
        svg=captioned_images(findings.dataset.images[rows], captions).svg(),
        alt=f"The {len(rows)} images whose labels are likeliest wrong.",
        caption=f"The {len(rows)} of {len(noise.suspects):,} suspects whose labels are likeliest "
        "wrong: name, label, and what it may be instead with its probability.",
    )


def balance_figure(findings: Findings) -> Figure:
    """Samples of each class, and how many there are in each part."""
    data, balance = findings.dataset, findings.balance
    assert balance is not None
    classes = len(data.class_names)
    each = SAMPLES_A_CLASS if classes <= ROWS_UP_TO else 1
    rows = np.concatenate([np.flatnonzero(data.labels == label)[:each] for label in range(classes)])
    content = DatasetFigure("Classes", [], [], data.class_names, balance.counts)
    return Figure(
        name="classes",
        svg=dataset_figure(content, data.images[rows], data.labels[rows]).svg(),
        alt=f"Samples of the {classes} classes, and how many images each has in each part.",
        caption="The classes: the first images of each, and the images in each part.",
    )
