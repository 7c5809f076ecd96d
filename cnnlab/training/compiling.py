"""The network as torch compiles it for training, and what is said where that fails."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

import torch

from cnnlab.device import memory_errors
from cnnlab.errors import CnnlabError, CompileError

__all__ = ["CompiledNetwork"]


class CompiledNetwork:
    """Computes what a network computes, with its weights, by kernels that torch makes for it.

    The network itself stays as it is: its tensors keep their names, and whoever calls it, to
    evaluate it for instance, has nothing compiled for that. (Its own ``compile`` would also give
    less: torch does not look into its own ``Sequential``, so each layer would be compiled apart.)
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self._network = network
        self._known: set[torch.Size] = set()

    @cached_property
    def _compiled(self) -> Callable[[torch.Tensor], torch.Tensor]:
        # Kernels for one shape each, chosen without measuring: then the same configuration gives
        # the same weights, whether or not training was cut off in between.
        options: dict[str, str | int | bool | Callable[..., Any]] = {"deterministic": True}
        if next(self._network.parameters()).is_cuda:
            # All kernels of a pass are started at once: at small batches each of them is over
            # sooner than the next one is started.
            options["triton.cudagraphs"] = True
        found: Callable[[torch.Tensor], torch.Tensor] = torch.compile(
            self._network, dynamic=False, options=options
        )
        return found

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self._compiled(images)

    def watched(self, shape: torch.Size) -> AbstractContextManager[None]:
        """What stands around a step with images of a shape, forward and backward.

        The first one compiles; where it fails, that is a :class:`CompileError`.
        """
        if shape in self._known:
            return nullcontext()
        self._known.add(shape)
        return _compile_errors()


@contextmanager
def _compile_errors() -> Iterator[None]:
    """Turn what compiling raises, of many kinds, into one line for the user."""
    try:
        # torch's compiler warns of parts of its own, and of settings that are wanted.
        with memory_errors("training"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except CnnlabError:
        raise
    except Exception as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise CompileError(
            f"torch could not compile the network: {said[0]}",
            where="compile",
            todo="train again with --set compile=off",
        ) from error
