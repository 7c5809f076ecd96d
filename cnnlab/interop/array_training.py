"""The house's own training on arrays that are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle, bundle_of
from cnnlab.config import RunConfig, make_config
from cnnlab.data import open_dataset
from cnnlab.data.cache import forget
from cnnlab.data.dataset import fingerprint_of
from cnnlab.errors import CnnlabError
from cnnlab.files import atomic_path
from cnnlab.models import load_model_file
from cnnlab.training.loop import train

__all__ = ["LabelledImages", "TrainedOnArrays", "array_config", "train_on_arrays"]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images uint8 ``[N, H, W, C]``, labels int64 ``[N]`` into ``class_names``."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TrainedOnArrays:
    """What is left of a training.

    Attributes
    ----------
    bundle: the network, with what it needs to know of images and classes.
    history: the run's ``metrics.jsonl``, a record an epoch.
    run: the run directory; None where it was temporary.
    """

    bundle: Bundle
    history: list[dict[str, Any]]
    run: Path | None


def array_config(
    model: str, layers: Sequence[Mapping[str, Any]], *, labels: Mapping[str, str]
) -> RunConfig:
    """A configuration: the settings of the model's file, and ``layers``, of which the later win.

    ``labels`` and errors as :func:`cnnlab.config.make_config` has them.
    """
    own = {"model": {"name": model}, **load_model_file(model).settings()}
    return make_config([own, *layers], where="settings", labels=labels)


def train_on_arrays(
    data: LabelledImages, config: RunConfig, runs: Path | None, device: str
) -> TrainedOnArrays:
    """Train on all of ``data``, with a run directory in ``runs`` or in a temporary folder.

    The data's source in ``config`` is left open. With ``runs`` the images are kept beside the
    runs, so that every verb can open the run later; without, nothing is left behind.
    """
    with _on_disk(data, runs) as (source, folder):
        run = train(config.updated(data={"source": str(source)}), folder)
        bundle = bundle_of(run, device)
        return TrainedOnArrays(bundle, run.metrics, None if runs is None else run.path)


@contextmanager
def _on_disk(data: LabelledImages, runs: Path | None) -> Iterator[tuple[Path, Path]]:
    """Yield a file of the images and a folder for the run."""
    if runs is not None:
        digest = fingerprint_of(data.images, data.labels, data.class_names)
        # The same images of several fits are one file.
        source = runs / "arrays" / f"images-{digest[:12]}.npz"
        if not source.exists():
            _write(source, data)
        yield source, runs
        return
    with TemporaryDirectory(prefix="cnnlab-") as folder:
        source = Path(folder, "images.npz")
        _write(source, data)
        try:
            yield source, Path(folder, "runs")
        finally:
            with suppress(CnnlabError):
                forget(open_dataset(str(source)))


def _write(path: Path, data: LabelledImages) -> None:
    names = np.array(data.class_names, dtype=str)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, images=data.images, labels=data.labels, class_names=names)
