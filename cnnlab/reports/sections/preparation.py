"""What is done to the pixels before the network sees them, and how many images each class has."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.reports.document import Block, Heading, Note, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import grouped
from cnnlab.reports.wording import ABSENT, count, enumeration, percent, plural

_PARTS = ("train", "validation", "test")
#: From so many classes on, a table of their images is for a file, not for a page.
_MOST_CLASSES = 30

#: Settings of training that change what the network sees.
_SHOWN = ("augment", "progressive_resizing", "class_weights", "sampling")

_NORMALIZATIONS = {
    "unit": "divided by 255, so that they lie between 0 and 1",
    "standard": "divided by 255, then centred and scaled channel by channel with the mean and the "
    "standard deviation of the training images",
}
_FLIPS = {
    "random": "mirrored by chance, in every second epoch on average",
    "alternating": "mirrored in every second epoch",
}


@section("preparation", order=35, title="Preparation and split by class")
def preparation(records: Sequence[RunRecord]) -> list[Block]:
    """From stored pixels to the network's input; then how many images each class has."""
    heading = [] if len(records) == 1 else [Heading("Images of each class", level=3)]
    steps = grouped(records, _kind_of_preparation, _steps)
    return [*steps, *heading, *grouped(records, _rows_and_images, _by_class)]


def _kind_of_preparation(record: RunRecord) -> Hashable:
    settings = record.run.settings
    shown = [settings["training"][key] for key in _SHOWN]
    said = [record.preprocessing, settings["normalization"], settings["mirror"], *shown]
    return json.dumps([*said, record.dataset["image_shape"]], sort_keys=True, default=str)


def _rows_and_images(record: RunRecord) -> Hashable:
    split = [record.run.split[part] for part in _PARTS]
    return json.dumps([record.dataset["fingerprint"], split])


def _steps(record: RunRecord) -> list[Block]:
    return [
        Table.of(
            ["Step", "What is done"],
            [*_always(record), *_in_training(record.run.settings["training"])],
            f"How images become the input of {record.label}. What is done in training alone is "
            "drawn anew in every epoch; it depends on nothing but the seed.",
            text_columns=(0, 1),
        )
    ]


def _always(record: RunRecord) -> list[tuple[str, str]]:
    height, width, channels = record.dataset["image_shape"]
    normalization = str(record.run.settings["normalization"])
    rows = [
        ("form", f"{height} x {width} pixels, {plural(channels, 'channel')}, 0 to 255"),
        ("scale", f"pixels are {_NORMALIZATIONS.get(normalization, normalization)}"),
    ]
    found = record.preprocessing
    if found and normalization == "standard":
        for name in ("mean", "std"):
            values = enumeration([f"{value:.4f}" for value in found[name]])
            rows.append((f"{name} of each channel (of pixel / 255)", values))
    if record.run.settings["mirror"]:
        rows.append(("two views", "the logits are the mean over an image and its mirror image"))
    return rows


def _in_training(training: dict[str, Any]) -> list[tuple[str, str]]:
    """What happens to training images alone; a line that says so where nothing does."""
    augment = training["augment"]
    rows = []
    if augment["flip"] != "none":
        rows.append(("in training: mirrored", _FLIPS.get(augment["flip"], augment["flip"])))
    if augment["translate"]:
        rows.append(
            (
                "in training: shifted",
                f"by up to {plural(augment['translate'], 'pixel')} each way, borders reflected",
            )
        )
    if augment["cutout"]:
        rows.append(
            (
                "in training: cut out",
                f"a square of {plural(augment['cutout'], 'pixel')} a side is set to the mean",
            )
        )
    if training["progressive_resizing"]:
        scales = [percent(part["scale"], 0) for part in training["progressive_resizing"]]
        rows.append(
            ("in training: smaller at first", f"sides of {enumeration(scales)}, then whole images")
        )
    for key, words in (("class_weights", "weights of classes"), ("sampling", "drawing of images")):
        if training[key] == "balanced":
            rows.append((f"in training: {words}", "so that every class counts as much"))
    if isinstance(training["class_weights"], dict):
        said = [f"{name} {value:g}" for name, value in training["class_weights"].items()]
        rows.append(("in training: weights of classes", f"{enumeration(said)}, all others 1"))
    return rows or [("in training alone", "nothing: no augmentation")]


def _by_class(record: RunRecord) -> list[Block]:
    names = record.dataset["class_names"]
    if len(names) > _MOST_CLASSES:
        return []
    if record.images is None:
        return [Note(f"Images by class are not counted. {record.without_images}")]
    labels, split = record.images.labels, record.run.split
    counts = {part: _counts(labels, split[part], len(names)) for part in _PARTS}
    rows = [[name, *(count(counts[part][at]) for part in _PARTS)] for at, name in enumerate(names)]
    rows.append(["all", *(count(sum(counts[part])) for part in _PARTS)])
    train = counts["train"]
    most, least = train.index(max(train)), train.index(min(train))
    said = (
        f"The largest class of the training images is {names[most]} ({count(train[most])}), the "
        f"smallest {names[least]} ({count(train[least])}). Whoever always said {names[most]} would "
        f"be right for {_share(counts['validation'], most)} of the validation images."
    )
    return [
        Paragraph(said),
        Table.of(["Class", *_PARTS], rows, "Images of each class in each part of the split."),
    ]


def _counts(labels: NDArray[np.int64], rows: Sequence[int], classes: int) -> list[int]:
    """Images of each class among some rows."""
    found = np.bincount(labels[np.array(rows, dtype=np.int64)], minlength=classes)
    return [int(n) for n in found]


def _share(counts: Sequence[int], label: int) -> str:
    return percent(counts[label] / sum(counts), 1) if any(counts) else ABSENT
