"""The results of ``benchmarks/audit.py`` as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cnnlab.metrics import wilson_interval
from cnnlab.reports.document import Block, Document, Figure, Heading, ItemList, Paragraph, Table

__all__ = ["build_document", "share"]

Records = Mapping[str, Any]

_TITLES = {"cifar10-jpeg": "CIFAR-10-JPEG", "fashion-mnist": "Fashion-MNIST"}


def share(part: int, whole: int) -> str:
    """ "97.5% (95.0% to 98.8%, 195 of 200)"."""
    if not whole:
        return "none to find"
    low, high = wilson_interval(part, whole)
    return f"{part / whole:.1%} ({low:.1%} to {high:.1%}, {part:,} of {whole:,})"


def build_document(records: Records, figures: Mapping[str, bytes]) -> Document:
    """Say what each part that was measured gave."""
    blocks: list[Block] = [
        Paragraph(
            "What the audit finds of faults that were planted, and what it finds in real data. "
            "Recall is the share of the planted faults that are found, precision the share of "
            "what is found that was planted; 95% Wilson intervals; one seed each."
        )
    ]
    if "shapes" in records or "flips" in records:
        blocks += _labels(records, figures)
    if "versions" in records:
        blocks += _versions(records["versions"])
    if "real" in records:
        blocks += _real(records["real"], figures)
    machine = next(iter(records.values()))["machine"]
    blocks += [
        Heading("Machine and commands"),
        Paragraph(f"{machine['processor']}, {machine.get('usable_cores', 2)} cores."),
        ItemList(tuple(f"python benchmarks/audit.py {part} --out OUT" for part in records)),
    ]
    return Document(
        title="What cnnlab audit finds",
        subtitle="Faults planted, and real data",
        blocks=tuple(blocks),
        footer="Written by benchmarks/audit.py from OUT/audit.jsonl.",
    )


def _labels(records: Records, figures: Mapping[str, bytes]) -> Iterator[Block]:
    yield Heading("Wrong labels")
    titles = {
        "shapes": "shapes, 12,000 images, 5% of the labels wrong",
        "flips": "CIFAR-10-JPEG, 60,000 images, 2% of the labels flipped",
    }
    rows = []
    measured = [part for part in titles if part in records]
    for part in measured:
        title = titles[part]
        found = records[part]["labels"]
        rows.append(
            [
                title,
                share(found["right"], found["planted"]),
                share(found["right"], found["found"]),
                share(found["first"]["right"], found["first"]["found"]),
                share(found["right_suggestions"], found["right"]),
                f"{found['estimated_noise']:.1%}",
                f"{found['accuracy']:.1%}",
                f"{found['seconds']['label-errors']:.0f} s",
            ]
        )
    yield Table.of(
        [
            "Data",
            "Recall",
            "Precision of all suspects",
            "Precision of as many as were planted",
            "Right class suggested",
            "Noise, estimated",
            "Out-of-fold accuracy",
            "Time",
        ],
        rows,
        "Planted label errors, four folds. Time limits: "
        + ", ".join(f"{part} {records[part]['limit_seconds']:.0f} s" for part in measured)
        + "; the time includes measuring the machine and predicting.",
        text_columns=(0, 1, 2, 3, 4),
    )
    yield Paragraph(
        "In CIFAR-10-JPEG what was not planted is counted as false, be the label right or not: "
        "the images' own labels are not perfect. Networks of a minute are wrong for many images "
        "that are merely hard, so the list is to be read from its top: that is what the third "
        "column is about."
    )
    if "audit-suspects" in figures:
        yield Figure(
            name="audit-suspects",
            svg=figures["audit-suspects"],
            alt="Thirty images with their label and the class that is likelier.",
            caption="The labels that are likeliest wrong of CIFAR-10-JPEG with 2% flipped.",
        )


def _versions(record: Any) -> Iterator[Block]:
    yield Heading("Near copies that were planted")
    rows = [
        [kind, share(counts["found"], counts["planted"])]
        for kind, counts in record["kinds"].items()
    ]
    yield Table.of(
        ["Version", "Recall"],
        rows,
        f"Other versions of training images of CIFAR-10-JPEG among {record['images']:,} images; "
        f"{record['seconds']:.0f} s.",
        text_columns=(0, 1),
    )
    yield Paragraph(
        f"Of {record['pairs']:,} pairs that were found, {record['unexplained']:,} join pictures "
        "that neither were planted as versions of each other nor were already found to be copies "
        "before. What the hash misses is not looked at again: crops are where most is lost."
    )


def _real(record: Any, figures: Mapping[str, bytes]) -> Iterator[Block]:
    yield Heading("Copies in real data")
    for name, title in _TITLES.items():
        found = record[name]
        low, high = min(found["thresholds"]), max(found["thresholds"])
        yield Heading(title, level=3)
        yield Table.of(
            ["Part", "Copy in", "Exact", "Near", "Share"],
            [
                [
                    copies["part"],
                    copies["other"],
                    f"{copies['exact']:,}",
                    f"{copies['near']:,}",
                    share(copies["exact"] + copies["near"], copies["images"]),
                ]
                for copies in found["copies"]
            ],
            f"Images with a copy: {found['pairs']:,} pairs, {found['mirrored']:,} of them "
            f"mirrored; the labels of {share(found['labels_differ'], found['pairs'])} differ. "
            f"Hashes within {found['radius']} bits, likeness from {low:.2f} to {high:.2f} by "
            f"class; {found['seconds']['duplicates']:.0f} s.",
            text_columns=(0, 1, 4),
        )
        yield ItemList(tuple(found["drift"]))
        if f"audit-copies-{name}" in figures:
            yield Figure(
                name=f"audit-copies-{name}",
                svg=figures[f"audit-copies-{name}"],
                alt=f"Pairs of images of {title} of which one is in test, one in train.",
                caption=f"{title}: pairs that lie in two parts, from the least alike on.",
            )
    yield Paragraph(
        "Barz and Denzler (“Do we train on test data?”, Journal of Imaging 2020) looked through "
        "CIFAR-10 by a network's features and by eye, and found that 3.3% of its test images "
        "have a copy in train. Images of Fashion-MNIST stand on the same black ground in the "
        "same place: thousands of trousers and pullovers are as much alike as versions of one "
        "photograph are elsewhere. There the threshold rises class by class, and how often the "
        "labels of a pair differ says how far to trust what is left."
    )
