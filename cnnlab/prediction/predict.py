"""Ask a model about images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle, bundle_of, open_bundle
from cnnlab.data.source import Say, unsaid
from cnnlab.prediction.answers import (
    ImageError,
    ImagePrediction,
    answer_images,
    checked_top_k,
    unreadable,
)
from cnnlab.prediction.csv_file import csv_path, writing_csv
from cnnlab.prediction.predictions import PICTURED, ImagePredictions
from cnnlab.prediction.sources import Given, gather
from cnnlab.runs import Run

__all__ = ["Model", "Progress", "as_bundle", "predict", "unwatched"]

#: A run or its directory or name, a bundle or its file.
Model = Bundle | Run | Path | str

#: Hears how many images are done, and how many there are.
Progress = Callable[[int, int], None]


def unwatched(done: int, total: int) -> None:
    """Nobody watches."""
    del done, total


def as_bundle(
    model: Model, *, runs: Path = Path("runs"), device: str | None = None, say: Say = unsaid
) -> Bundle:
    """Open what was named; a bundle is returned as it is, on its own device.

    ``device``: cpu, cuda, mps; the fastest there is where None. Probabilities that will not be
    calibrated are said. Raises :class:`RunError`.
    """
    if isinstance(model, Bundle):
        bundle = model
    elif isinstance(model, Run):
        bundle = bundle_of(model, device)
    else:
        bundle = open_bundle(model, runs=runs, device=device)
    if bundle.temperature is None:
        say("probabilities are not calibrated: the model's temperature was never fitted")
    return bundle


def predict(
    model: Model,
    images: Given | Iterable[Given],
    *,
    top_k: int | None = None,
    csv: Path | str | None = None,
    device: str | None = None,
    runs: Path = Path("runs"),
    say: Say = unsaid,
    watch: Progress = unwatched,
) -> ImagePredictions:
    """Say what images show.

    They are read a few at a time and brought to the network's size and colour mode, and take the
    path that evaluation takes. Memory holds the answers, one block of pixels, and those of the
    first images for a picture.

    Parameters
    ----------
    model: a run, or a bundle that ``cnnlab export`` wrote.
    images: files and folders (searched to the bottom), "-" for standard input, or pixels: uint8
        arrays ``[H, W]``, ``[H, W, C]`` or ``[N, H, W, C]``.
    top_k: classes to name for each; five where None.
    csv: also write a line an image to this file.
    device: cpu, cuda, mps; the fastest there is where None.
    runs: the folder in which a run's name is looked for.

    Raises :class:`RunError` for no such model, :class:`DataError` where no image at all can be
    read (where some can, the others are in the result's ``errors``), :class:`InputError`, and
    :class:`StorageError` for a CSV file that cannot be written.
    """
    table = None if csv is None else csv_path(Path(csv))
    bundle = as_bundle(model, runs=runs, device=device, say=say)
    top_k = checked_top_k(top_k, bundle)
    sources = gather(images, bundle.class_names, say=say)
    found: list[ImagePrediction] = []
    shown: list[NDArray[np.uint8]] = []
    errors: list[ImageError] = []
    with nullcontext() if table is None else writing_csv(table, top_k) as write:
        for done, answered in enumerate(answer_images(bundle, sources, top_k), start=1):
            if isinstance(answered, ImageError):
                errors.append(answered)
            else:
                found.append(answered[0])
                if len(shown) < PICTURED:
                    shown.append(answered[1])
            if write is not None:
                write(answered if isinstance(answered, ImageError) else answered[0])
            watch(done, len(sources))
        if not found:  # before the file is there
            raise unreadable(errors, len(sources))
    return ImagePredictions(
        model=bundle.name,
        source=str(bundle.source),
        class_names=bundle.class_names,
        temperature=bundle.temperature,
        images=tuple(found),
        errors=tuple(errors),
        pixels=np.stack(shown),
    )
