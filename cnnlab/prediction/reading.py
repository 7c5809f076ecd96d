"""Images -> pixels of a network's form, in order, decoded in threads, a few ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.data.images import fit_pixels
from cnnlab.errors import DataError, InputError
from cnnlab.machine import usable_cores
from cnnlab.prediction.sources import ImageSource

__all__ = ["Read", "read_images"]

#: Images that are decoded, or being decoded, beyond the one that is handed on, for each thread.
_AHEAD = 16
_MOST_THREADS = 8

#: An image and its pixels, uint8 ``[H, W, C]`` of the network's form, or why it has none.
Read = tuple[ImageSource, NDArray[np.uint8] | DataError]


def read_images(bundle: Bundle, sources: Iterable[ImageSource]) -> Iterator[Read]:
    """Yield every image in order, with its pixels or the error that names it.

    Memory holds a few decoded images a thread, however many there are. Raises
    :class:`InputError` where the network takes images that no file holds.
    """
    channels = bundle.input_shape[2]
    if channels not in (1, 3, 4):
        raise InputError(
            f"{bundle.name} takes images of {channels} channels",
            where=bundle.source,
            expected="1 (grey), 3 (colour) or 4 (with alpha), as image files have",
        )
    threads = min(_MOST_THREADS, usable_cores()[0])
    pending: deque[tuple[ImageSource, Future[NDArray[np.uint8] | DataError]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for source in sources:
            pending.append((source, pool.submit(_pixels, bundle, source)))
            if len(pending) > _AHEAD * threads:
                ready, future = pending.popleft()
                yield ready, future.result()
        for ready, future in pending:
            yield ready, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _pixels(bundle: Bundle, source: ImageSource) -> NDArray[np.uint8] | DataError:
    """Runs in a thread; decoders and file reads leave Python's lock alone."""
    try:
        content = source.read()
        if isinstance(content, bytes):
            return bundle.read_image(content, source.path)
    except DataError as error:
        return error
    height, width, channels = bundle.input_shape
    return fit_pixels(content, height=height, width=width, channels=channels)
