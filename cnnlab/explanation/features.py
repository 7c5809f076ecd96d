"""What the head of a network sees of images, and of a run's training images, computed once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.data.dataset import Dataset
from cnnlab.data.places import home
from cnnlab.data.source import Say, unsaid
from cnnlab.device import memory_errors
from cnnlab.errors import StorageError
from cnnlab.explanation.layers import feature_layer, parted, through, views_of
from cnnlab.files import atomic_path
from cnnlab.inference import BATCH_SIZE
from cnnlab.prediction.predict import Progress, unwatched

__all__ = ["features_of", "training_features"]

#: Of the form of what is kept; another one makes older files unused.
_VERSION = 1
#: Files of features that are kept; the oldest make room.
_KEPT = 8


def features_of(
    bundle: Bundle,
    images: NDArray[np.uint8],
    rows: NDArray[np.int64] | None = None,
    *,
    watch: Progress = unwatched,
) -> NDArray[np.float32]:
    """The numbers that the network's head classifies, float32 ``[N, D]``.

    Parameters
    ----------
    images: uint8 ``[N, H, W, C]``, memory-mapped or not, read block by block.
    rows: which of them; all where None.

    A map of more than one pixel that the head takes is averaged over its pixels. Where logits are
    the mean over an image and its mirror image, so are the features.
    """
    rows = np.arange(len(images), dtype=np.int64) if rows is None else rows
    before, _ = parted(bundle.network, feature_layer(bundle.architecture))
    found: NDArray[np.float32] | None = None
    with torch.inference_mode(), memory_errors("features"):
        for start in range(0, len(rows), BATCH_SIZE):
            block = np.ascontiguousarray(images[rows[start : start + BATCH_SIZE]])
            inputs = bundle.preprocessing.apply(torch.from_numpy(block).to(bundle.device))
            mirror = bundle.preprocessing.mirror
            outputs = through(before, views_of(inputs, mirror=mirror)).float()
            features = outputs.mean(dim=(2, 3)) if outputs.ndim == 4 else outputs
            if mirror:
                features = features.view(2, len(block), -1).mean(dim=0)
            if found is None:
                found = np.empty((len(rows), features.shape[1]), dtype=np.float32)
            found[start : start + len(block)] = features.cpu().numpy()
            watch(start + len(block), len(rows))
    return np.empty((0, 0), dtype=np.float32) if found is None else found


def training_features(
    bundle: Bundle,
    dataset: Dataset,
    rows: NDArray[np.int64],
    *,
    say: Say = unsaid,
    watch: Progress = unwatched,
) -> NDArray[np.float32]:
    """:func:`features_of` some rows of a dataset, float32 ``[N, D]``, kept for the next time.

    They lie in the cache's folder under the fingerprints of weights, images and rows. Where that
    cannot be written they are computed each time, which is said.
    """
    path = home() / "features" / f"{_key(bundle, dataset, rows)}.npy"
    kept = _load(path, len(rows))
    if kept is not None:
        return kept
    say(f"computing the features of {len(rows):,} training images (once; kept in the cache)")
    features = features_of(bundle, dataset.images, rows, watch=watch)
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, features, allow_pickle=False)
        _remove_oldest(path.parent)
    except StorageError as error:
        say(f"the features are not kept: {error}")
    return features


def _key(bundle: Bundle, dataset: Dataset, rows: NDArray[np.int64]) -> str:
    """What the features depend on, as one digest."""
    parts = {
        "version": _VERSION,
        "weights": bundle.origin["weights_sha256"],
        "architecture": bundle.architecture.to_dict(),
        "preprocessing": bundle.preprocessing.to_dict(),
        "dataset": dataset.fingerprint,
        "rows": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _load(path: Path, count: int) -> NDArray[np.float32] | None:
    """Kept features, memory-mapped; None where there are none, or the file is damaged."""
    try:
        features: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    sound = features.dtype == np.float32 and features.ndim == 2 and len(features) == count
    return features if sound else None


def _remove_oldest(folder: Path) -> None:
    def age(path: Path) -> float:
        return -path.stat().st_mtime

    try:
        for path in sorted(folder.glob("*.npy"), key=age)[_KEPT:]:
            path.unlink(missing_ok=True)
    except OSError:  # another process was faster
        return
