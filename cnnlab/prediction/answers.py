"""What a network says of one image, and of many, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.data.source import Say
from cnnlab.data.tree import listed
from cnnlab.errors import DataError
from cnnlab.inference import BATCH_SIZE
from cnnlab.metrics.checks import checked_count
from cnnlab.prediction.reading import Read, read_images
from cnnlab.prediction.sources import ImageSource

__all__ = [
    "ClassProbability",
    "ImageError",
    "ImagePrediction",
    "answer_images",
    "checked_top_k",
    "predictions_from",
    "refuse_some",
    "unreadable",
]

_TOP_K = 5


class ClassProbability(NamedTuple):
    """A class and how likely the network takes it to be, at the bundle's temperature."""

    class_name: str
    probability: float


@dataclass(frozen=True)
class ImagePrediction:
    """What the network says of one image.

    Attributes
    ----------
    path: the file, "-" for standard input, or an array's place.
    top: the likeliest classes, the likeliest first; of a tie the first class.
    true_class: the class whose folder the image lies in; None where that says nothing.
    """

    path: str
    top: tuple[ClassProbability, ...]
    true_class: str | None = None

    @property
    def class_name(self) -> str:
        """The predicted class."""
        return self.top[0].class_name

    @property
    def probability(self) -> float:
        """That of the predicted class."""
        return self.top[0].probability

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        known = {} if self.true_class is None else {"true_class": self.true_class}
        return {
            "path": self.path,
            "class": self.class_name,
            "probability": self.probability,
            "top": [{"class": name, "probability": value} for name, value in self.top],
            **known,
        }


@dataclass(frozen=True)
class ImageError:
    """An image that could not be read, and why."""

    path: str
    error: DataError

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"path": self.path, "error": self.error.what}


def checked_top_k(top_k: int | None, bundle: Bundle) -> int:
    """How many classes to name: five where None and there are as many.

    Raises :class:`InputError` for more than there are, or fewer than one.
    """
    classes = len(bundle.class_names)
    if top_k is None:
        return min(_TOP_K, classes)
    return checked_count(top_k, name="top-k", low=1, high=classes)


def predictions_from(
    bundle: Bundle,
    logits: NDArray[np.float32],
    paths: Sequence[str],
    *,
    top_k: int,
    true_classes: Iterable[int | None] = repeat(None),
) -> list[ImagePrediction]:
    """Name the ``top_k`` likeliest classes of each image by its row of logits ``[N, classes]``."""
    probabilities = bundle.probabilities(logits)
    # By the logits: probabilities can be equal where logits are not.
    orders = np.argsort(-logits, axis=1, kind="stable")[:, :top_k]
    names = bundle.class_names
    return [
        ImagePrediction(
            path,
            tuple(ClassProbability(names[label], float(row[label])) for label in order),
            None if true is None else names[true],
        )
        for path, row, order, true in zip(paths, probabilities, orders, true_classes, strict=False)
    ]


def answer_images(
    bundle: Bundle, sources: Iterable[ImageSource], top_k: int
) -> Iterator[tuple[ImagePrediction, NDArray[np.uint8]] | ImageError]:
    """Yield the answer to every image, in order, as they come, with its pixels.

    The network gets the images that can be read in the blocks that evaluation makes, so the same
    images in the same order give the same logits. Memory holds one block. Pixels are uint8
    ``[H, W, C]`` of the network's form.
    """
    waiting: list[Read] = []
    readable = 0
    for source, image in read_images(bundle, sources):
        waiting.append((source, image))
        readable += not isinstance(image, DataError)
        if readable == BATCH_SIZE:
            yield from _answers(bundle, waiting, top_k)
            waiting, readable = [], 0
    yield from _answers(bundle, waiting, top_k)


def _answers(
    bundle: Bundle, block: Sequence[Read], top_k: int
) -> Iterator[tuple[ImagePrediction, NDArray[np.uint8]] | ImageError]:
    """Answer a block, in order."""
    pairs = [(source, image) for source, image in block if not isinstance(image, DataError)]
    said: list[ImagePrediction] = []
    if pairs:
        said = predictions_from(
            bundle,
            bundle.logits(np.stack([image for _, image in pairs])),
            [source.path for source, _ in pairs],
            top_k=top_k,
            true_classes=[source.true_class for source, _ in pairs],
        )
    answers = iter(said)
    for source, image in block:
        if isinstance(image, DataError):
            yield ImageError(source.path, image)
        else:
            yield next(answers), image


def unreadable(errors: Sequence[ImageError], of: int) -> DataError:
    """One error for images that cannot be read, of so many: the first ones with their reasons."""
    if len(errors) == of == 1:
        return errors[0].error
    named = listed([f"{error.path} ({error.error.what})" for error in errors])
    return DataError(f"{len(errors):,} of {of:,} images cannot be read: {named}")


def refuse_some(errors: Sequence[ImageError], of: int, *, say: Say) -> None:
    """Name every image that could not be read in a line of its own, then raise; none: nothing.

    The last step of a verb, after the answers to the others have been given.
    """
    if not errors:
        return
    if len(errors) > 1:
        for each in errors:
            say(str(each.error))
        raise DataError(f"{len(errors):,} of {of:,} images cannot be read: those named above")
    raise errors[0].error
