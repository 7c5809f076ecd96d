"""Images: where they come from, how they are decoded once, and how they are divided."""

from __future__ import annotations

from cnnlab.data import cifar10, cifar10_jpeg, cifar100, digits, fashion_mnist, shapes
from cnnlab.data.bringing import bring
from cnnlab.data.dataset import PARTS, Dataset
from cnnlab.data.images import decode_image
from cnnlab.data.opening import (
    checked_options,
    open_dataset,
    open_sound,
    option_names,
    settled_options,
    settled_source,
    survey_files,
)
from cnnlab.data.source import SOURCES, ReadOptions
from cnnlab.data.split import Split, SplitSizes, draw_split

__all__ = [
    "PARTS",
    "SOURCES",
    "Dataset",
    "ReadOptions",
    "Split",
    "SplitSizes",
    "bring",
    "checked_options",
    "cifar10",
    "cifar10_jpeg",
    "cifar100",
    "decode_image",
    "digits",
    "draw_split",
    "fashion_mnist",
    "open_dataset",
    "open_sound",
    "option_names",
    "settled_options",
    "settled_source",
    "shapes",
    "survey_files",
]
