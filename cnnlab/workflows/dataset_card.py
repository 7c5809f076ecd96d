"""A dataset as a person looks into it: figures, a table and a picture of what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.config import DataConfig, make_data_config
from cnnlab.data import Dataset, open_dataset, settled_options
from cnnlab.data.moments import channel_moments
from cnnlab.data.source import Say, unsaid
from cnnlab.errors import ConfigError
from cnnlab.evaluation.figures import (
    ROWS_UP_TO,
    SAMPLES_A_CLASS,
    DatasetFigure,
    Picture,
    dataset_figure,
)
from cnnlab.options import Plain
from cnnlab.settings import with_overrides
from cnnlab.tables import ShownAsText, printable, text_table
from cnnlab.workflows.pictures import write_picture

__all__ = ["DatasetCard", "Moments", "dataset_card", "reading_config"]

_SHOWN = ("image_size", "channels")
_MOST_NOTES = 6


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each channel, in units of pixel / 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class DatasetCard(ShownAsText):
    """What there is to know of a dataset before anything is trained on it.

    Attributes
    ----------
    dataset: the images.
    options: the source's own options, complete.
    counts: by part, int64 ``[C]``: its images of each class.
    moments: by part.
    samples: int64 ``[K]``, rows of the images in the picture, by class.
    """

    dataset: Dataset
    options: Mapping[str, Plain]
    counts: Mapping[str, NDArray[np.int64]]
    moments: Mapping[str, Moments]
    samples: NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        data = self.dataset
        return {
            "name": data.name,
            "origin": data.origin,
            "options": dict(self.options),
            "images": len(data),
            "image_shape": list(data.image_shape),
            "parts": dict(data.parts),
            "classes": {
                part: dict(zip(data.class_names, counts.tolist(), strict=True))
                for part, counts in self.counts.items()
            },
            "statistics": {
                part: {"mean": list(moments.mean), "std": list(moments.std)}
                for part, moments in self.moments.items()
            },
            "samples": self.samples.tolist(),
            "notes": list(data.notes),
            "fingerprint": data.fingerprint,
        }

    def to_text(self) -> str:
        """What the command line prints of it."""
        data = self.dataset
        chosen = [f"data.{key} {value}" for key, value in self.options.items() if value is not None]
        balance = [
            (label, name, *(int(counts[label]) for counts in self.counts.values()))
            for label, name in enumerate(data.class_names)
        ]
        statistics = [
            (part, int(self.counts[part].sum()), _numbers(moments.mean), _numbers(moments.std))
            for part, moments in self.moments.items()
        ]
        return "\n".join(
            [
                printable(f"{data.name} ({data.origin})"),
                *([", ".join(chosen)] if chosen else []),
                self._outline(),
                "",
                text_table(["label", "class", *self.counts], balance),
                "",
                *(printable(self._range(part)) for part in self.counts),
                "",
                text_table(["part", "images", "mean", "standard deviation"], statistics),
                "",
                *(printable(f"note: {note}") for note in data.notes),
                f"fingerprint {data.fingerprint}",
            ]
        )

    def picture(self) -> Picture:
        """Samples of each class, and the class balance of each part."""
        data = self.dataset
        part, moments = next(iter(self.moments.items()))
        measured = (
            f"{part}: mean {_numbers(moments.mean)}, standard deviation {_numbers(moments.std)}"
        )
        lines = [self._outline(), f"{measured}; fingerprint {data.fingerprint[:12]}"]
        if len(data.class_names) > ROWS_UP_TO:  # too many for a bar and a count each
            lines += [self._range(part) for part in self.counts]
        return dataset_figure(
            DatasetFigure(data.name, lines, self._notes(), data.class_names, self.counts),
            data.images[self.samples],
            data.labels[self.samples],
        )

    def write_picture(self, path: Path) -> None:
        """Write the picture; see :func:`cnnlab.workflows.pictures.write_picture`."""
        write_picture(self.picture(), path)

    def _outline(self) -> str:
        data = self.dataset
        height, width, channels = data.image_shape
        colour = {1: "grey", 3: "colour", 4: "colour with alpha"}[channels]
        parts = ", ".join(f"{count:,} {part}" for part, count in data.parts.items())
        classes = len(data.class_names)
        plural = "class" if classes == 1 else "classes"
        return f"{parts}; {width}x{height} pixels, {colour}; {classes:,} {plural}"

    def _range(self, part: str) -> str:
        """The smallest and the largest class of a part."""
        counts, names = self.counts[part], self.dataset.class_names
        least, most = int(counts.argmin()), int(counts.argmax())
        if counts[least] == counts[most]:
            return f"{part}: {counts[most]:,} images of each class"
        return (
            f"{part}: from {counts[least]:,} images of {names[least]} "
            f"to {counts[most]:,} of {names[most]}"
        )

    def _notes(self) -> list[str]:
        notes = list(self.dataset.notes)
        left = len(notes) - _MOST_NOTES
        return [*notes[:_MOST_NOTES], *([f"and {left} more notes"] if left > 0 else [])]


def dataset_card(
    source: str,
    *,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    say: Say = unsaid,
) -> DatasetCard:
    """Open a dataset and look into all of its parts.

    Looking at test images is no opening of test: nothing is predicted or measured on them.

    Parameters
    ----------
    source: a dataset's name, or a path.
    settings: how the images are read: ``image_size``, ``channels``, the source's own options.
    overrides: the same as ``--set`` takes it, e.g. ``"data.size=600"``.

    Raises as :func:`cnnlab.data.open_dataset`, and :class:`ConfigError` for other settings.
    """
    config = reading_config(source, settings or {}, overrides)
    dataset = open_dataset(source, options=config.read_options(), say=say, tell_notes=False)
    rows = {part: dataset.rows_of(part) for part, count in dataset.parts.items() if count}
    return DatasetCard(
        dataset=dataset,
        options=settled_options(source, config.options()),
        counts={part: _counts(dataset, chosen) for part, chosen in rows.items()},
        moments={part: _moments(dataset, chosen) for part, chosen in rows.items()},
        samples=_samples(dataset),
    )


def reading_config(
    source: str, settings: Mapping[str, Any], overrides: Sequence[str]
) -> DataConfig:
    """How to read the images; :class:`ConfigError` for settings of anything else."""
    laid = with_overrides({"data": dict(settings)}, overrides)
    data = laid.pop("data")
    strange = [*laid]
    if isinstance(data, Mapping):
        elsewhere = (key for key in DataConfig.model_fields if key in data and key not in _SHOWN)
        strange += [f"data.{key}" for key in elsewhere]
    else:
        strange.append("data")
    if strange:
        raise ConfigError(
            f"{strange[0]} is nothing that the reading of images takes",
            where="--set",
            expected=f"{', '.join(f'data.{key}' for key in _SHOWN)} or an option of the source",
        )
    return make_data_config({**data, "source": source})


def _counts(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.bincount(dataset.labels[rows], minlength=len(dataset.class_names)).astype(np.int64)


def _moments(dataset: Dataset, rows: NDArray[np.int64]) -> Moments:
    mean, variance = channel_moments(dataset.images, rows)
    deviation = np.sqrt(np.maximum(variance, 0.0))
    return Moments(*(tuple(round(float(v), 6) for v in values) for values in (mean, deviation)))


def _samples(dataset: Dataset) -> NDArray[np.int64]:
    """Rows of each class in the first part that has it, evenly spaced."""
    classes = len(dataset.class_names)
    each = SAMPLES_A_CLASS if classes <= ROWS_UP_TO else 1
    parts = [dataset.rows_of(part) for part in dataset.parts]
    chosen = []
    for label in range(classes):
        of_class = (rows[dataset.labels[rows] == label] for rows in parts)
        rows = next((found for found in of_class if len(found)), np.empty(0, dtype=np.int64))
        picks = np.linspace(0, len(rows), min(each, len(rows)), endpoint=False).astype(np.int64)
        chosen.append(rows[picks])
    return np.concatenate(chosen)


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.4f}" for value in values)
