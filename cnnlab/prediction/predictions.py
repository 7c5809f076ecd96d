"""The answers to several images, and what they come to where the truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnlab.metrics import Interval, wilson_interval
from cnnlab.prediction.answers import ImageError, ImagePrediction
from cnnlab.tables import ShownAsText, printable, text_table

if TYPE_CHECKING:
    from cnnlab.evaluation.figures import Picture

__all__ = ["PICTURED", "FolderAccuracy", "ImagePredictions"]

#: So many images are drawn, the first ones.
PICTURED = 60


_NAMED_AT_MOST = 10
_RUNNERS_UP = 2


class FolderAccuracy(NamedTuple):
    """How often the class is that of the image's folder: right ones, images, Wilson's interval."""

    correct: int
    n: int
    interval: Interval

    @property
    def top1(self) -> float:
        """The share of right answers."""
        return self.correct / self.n


@dataclass(frozen=True, eq=False)
class ImagePredictions(ShownAsText):
    """What a model says of images.

    Attributes
    ----------
    model: the run's name; source: the run's directory or the bundle's file.
    class_names: all that the model knows, in the order of its logits.
    temperature: of the probabilities; None: it was never fitted, and they are softmax(logits).
    images: an answer each, in the order in which they were asked about.
    errors: the images that could not be read.
    pixels: those of the first images, uint8 ``[K, H, W, C]`` as the network gets them.
    """

    model: str
    source: str
    class_names: tuple[str, ...]
    temperature: float | None
    images: tuple[ImagePrediction, ...]
    errors: tuple[ImageError, ...]
    pixels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[ImagePrediction]:
        return iter(self.images)

    def __getitem__(self, place: int) -> ImagePrediction:
        return self.images[place]

    @property
    def accuracy(self) -> FolderAccuracy | None:
        """Over the images that lie in folders called as classes are; None where none does."""
        known = [image for image in self.images if image.true_class is not None]
        if not known:
            return None
        correct = sum(image.class_name == image.true_class for image in known)
        return FolderAccuracy(correct, len(known), wilson_interval(correct, len(known)))

    def figure(self) -> Picture:
        """The first images, each with its class and probability, and the truth where it differs."""
        from cnnlab.evaluation.figures import captioned_images

        return captioned_images(self.pixels, [_caption(image) for image in self.images[:PICTURED]])

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab predict --json`` prints."""
        accuracy = self.accuracy
        return {
            "model": self.model,
            "source": self.source,
            "class_names": list(self.class_names),
            "temperature": self.temperature,
            "images": [image.to_dict() for image in self.images],
            "errors": [error.to_dict() for error in self.errors],
            "accuracy": None
            if accuracy is None
            else {
                "top1": accuracy.top1,
                "top1_interval": list(accuracy.interval),
                "correct": accuracy.correct,
                "n": accuracy.n,
            },
        }

    def to_text(self) -> str:
        """What ``cnnlab predict`` prints: of one image its classes, of several a line each."""
        if len(self.images) == 1 and not self.errors:
            (image,) = self.images
            table = text_table(["class", "probability"], image.top)
            return "\n".join([f"{printable(image.path)}: {printable(image.class_name)}", table])
        return f"{_table(self.images)}\n\n{self.summary()}"

    def summary(self) -> str:
        """How many of each class, and the accuracy where the folders tell the truth."""
        counts = Counter(image.class_name for image in self.images).most_common()
        named = [f"{printable(name)} ({count:,})" for name, count in counts[:_NAMED_AT_MOST]]
        more = len(counts) - _NAMED_AT_MOST
        tail = f" and {more:,} more classes" if more > 0 else ""
        lines = [f"{_count(len(self.images))}: {', '.join(named)}{tail}"]
        accuracy = self.accuracy
        if accuracy is not None:
            low, high = accuracy.interval
            lines.append(
                f"accuracy {accuracy.top1:.4f} (95% interval {low:.4f} to {high:.4f}, "
                f"n = {accuracy.n:,}), with the folders' names as the truth"
            )
        if self.errors:
            lines.append(f"{_count(len(self.errors))} could not be read")
        return "\n".join(lines)


def _count(images: int) -> str:
    return "1 image" if images == 1 else f"{images:,} images"


def _caption(image: ImagePrediction) -> list[str]:
    wrong = image.true_class not in (None, image.class_name)
    said = f"{image.probability:.1%} {image.class_name}"
    return [said, PurePath(image.path).name, *([f"truth: {image.true_class}"] if wrong else [])]


def _table(images: Sequence[ImagePrediction]) -> str:
    rows = [
        (
            image.path,
            image.class_name,
            image.probability,
            ", ".join(f"{name} {value:.4f}" for name, value in image.top[1 : 1 + _RUNNERS_UP]),
        )
        for image in images
    ]
    with_next = any(row[3] for row in rows)
    header = ["image", "class", "probability", *(["then"] if with_next else [])]
    return text_table(header, rows if with_next else [row[:3] for row in rows])
