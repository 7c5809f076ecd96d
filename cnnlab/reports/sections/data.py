"""Which images, divided how."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from cnnlab.reports.document import Block, ItemList, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import grouped
from cnnlab.reports.wording import count, percent, plural

_PARTS = {
    "train": "the network is fitted on them",
    "validation": "what is chosen, is chosen on them",
    "test": "reported once; every opening is in the ledger",
}


@section("data", order=30, title="Data and split")
def data(records: Sequence[RunRecord]) -> list[Block]:
    """The dataset, its classes and the saved split; once for runs that share them."""
    return grouped(records, _identity, _describe)


def _identity(record: RunRecord) -> Hashable:
    split = record.run.split
    return (record.dataset["fingerprint"], *(tuple(split[part]) for part in _PARTS))


def _describe(record: RunRecord) -> list[Block]:
    split = record.run.split
    whole = sum(record.images_in(part) for part in _PARTS)
    how = "stratified by class" if split.get("stratified") else "not stratified"
    blocks: list[Block] = [
        Table.of(
            ["Dataset", "Value"],
            _facts(record.dataset),
            "The images. The fingerprint is SHA-256 over pixels, labels and class names.",
            text_columns=(0, 1),
        ),
        Table.of(
            ["Part", "Images", "Share", "Used for"],
            [
                [part, count(size), percent(size / whole, 1), use]
                for part, use in _PARTS.items()
                for size in [record.images_in(part)]
            ],
            f"The split, {how}, drawn once with split seed {split.get('seed')} and saved by row.",
            text_columns=(0, 3),
        ),
    ]
    notes = tuple(record.dataset.get("notes") or ())
    return [*blocks, Paragraph("Noted while reading them:"), ItemList(notes)] if notes else blocks


def _facts(dataset: dict[str, Any]) -> list[tuple[str, str]]:
    height, width, channels = dataset["image_shape"]
    return [
        ("name", str(dataset["name"])),
        ("images", count(dataset["images"])),
        ("image size", f"{height} x {width} pixels, {plural(channels, 'channel')}"),
        ("number of classes", count(len(dataset["class_names"]))),
        ("classes, in label order", _classes(dataset["class_names"])),
        ("origin", _origin(dataset)),
        ("fingerprint", str(dataset["fingerprint"])),
    ]


def _origin(dataset: dict[str, Any]) -> str:
    """Where the images came from: of a path the last part, for documents are handed on."""
    origin = str(dataset.get("origin") or "not recorded")
    return Path(origin).name if Path(origin).is_absolute() else origin


def _classes(names: Sequence[str], most: int = 100) -> str:
    left = len(names) - most
    return ", ".join([*names[:most], f"and {count(left)} more"] if left > 0 else names)
