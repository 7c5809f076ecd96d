"""One rank's copy of a network that several ranks train: its rows in, the gradient of all out."""

from __future__ import annotations

import warnings
from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.parallel import DistributedDataParallel

from cnnlab.config import RunConfig
from cnnlab.errors import ConfigError, DeviceError
from cnnlab.inference import BATCH_SIZE, Preprocessing, predict_logits
from cnnlab.models.modules import BatchNorm
from cnnlab.ranks import SharedBatch, World, world

__all__ = ["Replica", "check_ranks", "said_of_ranks"]

#: What torch's losses pass over.
_NO_LABEL = -100


def check_ranks(config: RunConfig) -> None:
    """Refuse a resolved configuration that the ranks, where there are several, cannot train.

    Raises :class:`DeviceError` or ``ConfigError`` that names the setting.
    """
    ranks = world()
    if ranks.size == 1:
        return
    device, batch_size = config.device, config.training.batch_size
    if device not in ("cpu", "cuda"):
        raise DeviceError(
            f"{ranks.size} processes cannot share {device}",
            where="--devices",
            expected="--device cpu, or cuda, of which each process takes one",
        )
    if device == "cuda" and torch.cuda.device_count() < ranks.local_size:
        raise DeviceError(
            f"{ranks.local_size} processes, and torch finds {torch.cuda.device_count()} GPUs here",
            where="--devices",
            expected="a GPU for each process",
            todo="use fewer, or --device cpu",
        )
    if config.compile == "on":
        raise ConfigError(
            "compiling for several devices is untried", where="compile", expected="off or auto"
        )
    if batch_size < ranks.size:
        raise ConfigError(
            f"a batch of {batch_size} cannot be divided among {ranks.size} processes",
            where="training.batch_size",
            expected=f"at least {ranks.size}: it counts over all of them",
        )


def said_of_ranks(config: RunConfig) -> str:
    """How a resolved configuration's batches are divided among the ranks, in a line."""
    ranks, batch_size = world(), config.training.batch_size
    share = " or ".join(map(str, sorted(set(ranks.counts(batch_size)))))
    threads = "1 thread" if config.threads == 1 else f"{config.threads} threads"
    return (
        f"{ranks.size} processes, {threads} each: of the {batch_size} images of a batch each has "
        f"{share}"
    )


class Replica:
    """A network whose gradients are those of all ranks' rows; call it with this rank's rows.

    torch's ``DistributedDataParallel`` adds the gradients up, bucket by bucket, while the layers
    below are still being differentiated. It divides by the number of ranks, so a loss is scaled by
    it (:meth:`divide`), and what results is the gradient of the mean over the whole batch however
    unevenly that is divided. Batch normalisation becomes that of the whole batch.
    """

    def __init__(self, network: torch.nn.Module, ranks: World, classes: int) -> None:
        self._ranks, self._classes = ranks, classes
        self._batch = SharedBatch(ranks)
        for part in network.modules():
            if isinstance(part, BatchNorm):
                part.shared = self._batch
        on_gpu = next(network.parameters()).is_cuda
        with warnings.catch_warnings():
            # Torch 2.13 gives this setting another name, which 2.12 does not know.
            warnings.filterwarnings("ignore", message="`broadcast_buffers` is deprecated")
            # Told to look for parameters without a gradient torch keeps the buckets as they are
            # laid out here. Otherwise it lays them out anew after the first step: three ranks or
            # more would then add in another order before and after, and a resumed run round
            # otherwise.
            self._network = DistributedDataParallel(
                network,
                device_ids=[torch.cuda.current_device()] if on_gpu else None,
                broadcast_buffers=False,  # moving statistics are the same on all by themselves
                find_unused_parameters=True,
            )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self._network(images)  # type: ignore[no-any-return] # torch leaves it untyped

    def divide(
        self, labels: torch.Tensor, weights: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | float]:
        """Of a whole batch's labels (int64 ``[B]``) this rank's, and what its loss is scaled by.

        The sum of the rank's losses times that factor has the whole batch's mean loss (weighted by
        class, where there are ``weights``) as its mean over the ranks.
        """
        own = labels[self._batch.divide(len(labels))]
        if not self._batch.counts[self._ranks.rank]:
            own = torch.full_like(own, _NO_LABEL)
        whole = len(labels) if weights is None else weights[labels].sum()
        return own, self._ranks.size / whole

    def backward(self, loss: torch.Tensor) -> None:
        """Differentiate; every parameter's gradient is then that of the whole batch."""
        with warnings.catch_warnings():
            # A gradient of one channel is laid out otherwise than its kernel; copying it is cheap.
            warnings.filterwarnings("ignore", message="Grad strides do not match bucket view")
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped

    def predict_logits(
        self,
        network: torch.nn.Module,
        images: NDArray[np.uint8],
        preprocessing: Preprocessing,
        *,
        rows: NDArray[np.int64],
        precision: str,
    ) -> NDArray[np.float32]:
        """What :func:`cnnlab.inference.predict_logits` gives, its blocks divided among the ranks.

        Each block is the one that it would be in a single process, and the logits come back in
        order, so that they are the same.
        """
        blocks = self._ranks.counts(-(-len(rows) // BATCH_SIZE))
        ends = [min(end * BATCH_SIZE, len(rows)) for end in accumulate(blocks, initial=0)]
        begin, end = ends[self._ranks.rank : self._ranks.rank + 2]
        counts = [after - before for before, after in pairwise(ends)]
        padded = np.zeros((max(counts), self._classes), dtype=np.float32)
        if begin < end:
            padded[: end - begin] = predict_logits(
                network, images, preprocessing, rows=rows[begin:end], precision=precision
            )
        found = self._ranks.gather(torch.from_numpy(padded)).numpy()
        return np.concatenate([part[:count] for part, count in zip(found, counts, strict=True)])
