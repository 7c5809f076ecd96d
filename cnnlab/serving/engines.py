"""What computes logits: torch, or another runtime that gives the same within 1e-4.

A new engine is an entry in :data:`ENGINES`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.device import Choice, choose_threads
from cnnlab.errors import CnnlabError
from cnnlab.registry import Registry

__all__ = ["ENGINES", "Engine", "TorchEngine", "choose_engine", "choose_serving_threads"]

#: The batches that ``auto`` measures, and how often; the fastest time of each counts.
_BATCHES, _ROUNDS = (1, 32), 7
#: No further round of a measurement begins after so many.
_ENOUGH_SECONDS = 4.0
#: How much faster the last core has to make the model to be taken from everything else.
_GAIN = 1.25


class Engine(Protocol):
    """A network that is ready to be asked, one batch at a time."""

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 ``[N, H, W, C]`` -> float32 ``[N, classes]``."""
        ...


class TorchEngine:
    """The path that evaluation takes, with its own number of threads."""

    def __init__(self, bundle: Bundle, threads: int) -> None:
        torch.set_num_threads(threads)
        self._bundle = bundle

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As :meth:`Bundle.logits`."""
        return self._bundle.logits(images)


def _onnx_engine(bundle: Bundle, threads: int) -> Engine:
    from cnnlab.serving.onnx_engine import OnnxEngine

    return OnnxEngine(bundle, threads)


#: How an engine is made of a bundle and a number of threads, by its name. A maker raises a
#: :class:`CnnlabError` where its runtime is not installed or cannot hold the network.
ENGINES: Registry[Callable[[Bundle, int], Engine]] = Registry("engine")
ENGINES.add("torch", TorchEngine)
ENGINES.add("onnx", _onnx_engine)


def choose_engine(asked: str, bundle: Bundle, threads: int) -> tuple[Engine, Choice]:
    """The engine of that name, or for "auto" the one that measures fastest here, and why.

    The measure is the product of the times for one image and for 32 images. Raises
    :class:`UnknownNameError`, or what the engine that was asked for says against it.
    """
    if asked != "auto":
        return ENGINES.get(asked)(bundle, threads), Choice(asked, "asked for")
    engines, notes = {}, []
    for name in ENGINES:
        try:
            engines[name] = ENGINES.get(name)(bundle, threads)
        except CnnlabError as error:
            notes.append(f"{name}: {error}")
    if len(engines) == 1:
        (name,) = engines
        return engines[name], Choice(name, "; ".join(["the only one here", *notes]))
    seconds = _measure(engines, bundle.input_shape)
    fastest = min(seconds, key=lambda name: math.prod(seconds[name]))
    return engines[fastest], Choice(fastest, "; ".join([*map(_said, seconds.items()), *notes]))


def choose_serving_threads(bundle: Bundle, asked: int | None) -> tuple[int, str]:
    """With how many threads the model computes, and why.

    All cores where torch is clearly faster with them, which also tells that no other work keeps
    them busy; else all but one, which HTTP and the decoders then have.
    """
    if asked is not None:
        return asked, "asked for"
    cores, _ = choose_threads()
    if cores == 1:
        return 1, "one core"
    taken = {}
    for threads in (cores, cores - 1):
        engine = TorchEngine(bundle, threads)
        ((_, taken[threads]),) = _measure({"torch": engine}, bundle.input_shape).values()
    told = " and ".join(f"{1e3 * time:.1f} ms with {n}" for n, time in taken.items())
    chosen = cores if taken[cores - 1] > _GAIN * taken[cores] else cores - 1
    return chosen, f"{_BATCHES[-1]} images take {told}"


def _said(measured: tuple[str, list[float]]) -> str:
    name, seconds = measured
    each = " and ".join(
        f"{1e3 * time:.2f} ms for {count}" for count, time in zip(_BATCHES, seconds, strict=True)
    )
    return f"{name} takes {each}"


def _measure(
    engines: dict[str, Engine], input_shape: tuple[int, int, int]
) -> dict[str, list[float]]:
    """The least seconds that each engine takes for each of the batches, in turns."""
    best = {name: [math.inf] * len(_BATCHES) for name in engines}
    generator = np.random.default_rng(0)
    for index, count in enumerate(_BATCHES):
        images = generator.integers(0, 256, (count, *input_shape), dtype=np.uint8)
        enough = time.perf_counter() + _ENOUGH_SECONDS
        for turn in range(_ROUNDS):
            if turn and time.perf_counter() > enough:  # a heavy network: what is known will do
                break
            for name, engine in engines.items():
                begin = time.perf_counter()
                engine.logits(images)
                best[name][index] = min(best[name][index], time.perf_counter() - begin)
    return best
