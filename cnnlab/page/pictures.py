"""Images of the datasets that runs were trained on, by row, as PNG files."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnlab.data import Dataset
from cnnlab.errors import CnnlabError
from cnnlab.page.index import RunIndex, data_id
from cnnlab.page.listing import Listing
from cnnlab.page.memory import Memory
from cnnlab.runs import Run

__all__ = ["ImageStore", "dataset_id", "png_of"]

#: So long a dataset that could not be opened is not tried again: a page asks for many images.
_AGAIN_SECONDS = 5.0
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def dataset_id(run: Run) -> str:
    """The :func:`data_id` of a run's dataset."""
    return data_id(run.split["dataset"]["fingerprint"])


def png_of(pixels: NDArray[np.uint8]) -> bytes:
    """uint8 ``[H, W, C]`` as a PNG file; the pixels are those."""
    channels = pixels.shape[2]
    image = Image.fromarray(
        np.ascontiguousarray(pixels[..., 0] if channels == 1 else pixels), _MODES[channels]
    )
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()


class ImageStore:
    """Opened datasets, memory-mapped; nothing is downloaded for the page."""

    def __init__(self, index: RunIndex, listing: Listing) -> None:
        self._index, self._listing = index, listing
        self._opened: Memory[Dataset] = Memory(8)
        self._failed: dict[Path, tuple[float, CnnlabError]] = {}

    def of(self, run: Run) -> Dataset:
        """The dataset of a run; :class:`CnnlabError` where it is gone, or has changed."""
        return self._opened.get(dataset_id(run), None, lambda: self._open(run))

    def _open(self, run: Run) -> Dataset:
        until, said = self._failed.get(run.path, (0.0, None))
        if said is not None and time.monotonic() < until:
            raise said.with_traceback(None)
        try:
            return run.open_dataset(offline=True)
        except CnnlabError as error:
            self._failed[run.path] = (time.monotonic() + _AGAIN_SECONDS, error)
            raise

    def find(self, key: str) -> Dataset | None:
        """The dataset that an address names, through any run that was trained on it."""
        opened = self._opened.kept(key)
        if opened is not None:
            return opened
        runs = {run.path: run for run in self._index.all()}
        for line in self._listing.lines(runs.values()):
            if line.dataset == key:
                try:
                    return self.of(runs[line.path])
                except CnnlabError:  # moved away under this run's path; maybe not under another's
                    continue
        return None

    def png(self, key: str, row: int) -> bytes | None:
        """One image; None where there is no such dataset or row."""
        dataset = self.find(key)
        if dataset is None or not 0 <= row < len(dataset):
            return None
        return png_of(np.asarray(dataset.images[row]))
