"""The processes that train one network together: which one this is, what they tell each other.

Each is a *rank*, with a number from 0. Rank 0 leads: it decides, writes and speaks; the others do
as it says. ``torchrun`` starts them, or ``cnnlab train --devices``; a process that nobody started
so is alone, and everything here costs it nothing.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.errors import ConfigError, DeviceError, RankError

if TYPE_CHECKING:
    import torch

__all__ = [
    "LOST",
    "RENDEZVOUS",
    "SharedBatch",
    "World",
    "joined",
    "launched",
    "rank_errors",
    "world",
]

#: Names the folder in which ranks that ``--devices`` started find each other.
RENDEZVOUS = "CNNLAB_RENDEZVOUS"
#: How such a rank ends that lost another one: who started them says so, once.
LOST = 113

#: A rank may wait so long for the one that downloads and decodes images; one that has died is
#: noticed at once.
_PATIENCE = datetime.timedelta(hours=2)
_MOST_RANKS = 4096
_OF_PEERS = re.compile(r"gloo|NCCL|Connection (closed|reset|refused)|Broken pipe|Socket")
#: ``prctl``'s request to be told of the parent's death, from Linux's prctl.h.
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class World:
    """All ranks, seen from one of them.

    Attributes
    ----------
    rank, size: this one's number, and how many there are.
    local_rank, local_size: the same among those on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the rank that decides, writes and speaks."""
        return self.rank == 0

    @property
    def option(self) -> str:
        """What a command needs to start as many again."""
        if self.size == 1:
            return ""
        alone = self.local_size == self.size
        return f" --devices {self.size}" if alone else " (by torchrun, as before)"

    def counts(self, things: int) -> tuple[int, ...]:
        """How many of so many things each rank has: contiguous shares, one more or less."""
        ends = [things * number // self.size for number in range(self.size + 1)]
        return tuple(end - begin for begin, end in pairwise(ends))

    def part(self, rows: int) -> slice:
        """This rank's rows of a batch; where it has none the first one, which does not count."""
        begin, end = (rows * number // self.size for number in (self.rank, self.rank + 1))
        return slice(begin, end) if begin < end else slice(0, 1)

    def gather(self, values: torch.Tensor) -> torch.Tensor:
        """Every rank's ``values``, of one shape on all: ``[ranks, ...]``, the same on all."""
        if self.size == 1:
            return values[None]
        from torch import distributed

        found = values.new_empty(self.size, *values.shape)
        distributed.all_gather(list(found.unbind(0)), values.contiguous())
        return found

    def slowest(self, seconds: float) -> float:
        """The largest of all ranks' seconds, the same on all."""
        if self.size == 1:
            return seconds
        import torch

        return float(self.gather(torch.tensor([seconds], dtype=torch.float64)).max())

    def wait(self) -> None:
        """Wait until every rank is here."""
        self.slowest(0.0)

    def tell(self, order: dict[str, Any] | None) -> None:
        """Let rank 0 say to the others what is to be done; None: nothing any more."""
        if self.size > 1:
            self._pass_on(json.dumps(order).encode())

    def hear(self) -> dict[str, Any] | None:
        """Wait for what rank 0 says with :meth:`tell`."""
        said: dict[str, Any] | None = json.loads(self._pass_on(b""))
        return said

    def announce(self, run: Path) -> None:
        """Let rank 0 say which run is trained now, to the others and to who started them."""
        if self.size == 1:
            return
        folder = os.environ.get(RENDEZVOUS)
        if folder is not None:
            with suppress(OSError):  # the launcher's message is shorter then
                Path(folder, "run").write_text(str(run), encoding="utf-8", errors="replace")
        self.tell({"do": "fit", "run": str(run.absolute())})

    def _pass_on(self, content: bytes) -> bytes:
        import torch
        from torch import distributed

        length = torch.tensor([len(content)])
        distributed.broadcast(length, src=0)
        passed = torch.zeros(int(length), dtype=torch.uint8)
        if content:
            passed = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        distributed.broadcast(passed, src=0)
        return passed.numpy().tobytes()


class SharedBatch:
    """How many rows of the step's batch each rank has; whoever takes the step says it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counts: tuple[int, ...] = world.counts(0)

    def divide(self, rows: int) -> slice:
        """Divide a batch of so many rows; return this rank's, as :meth:`World.part` does."""
        self.counts = self.world.counts(rows)
        return self.world.part(rows)


_ALONE = World()
_joined = _ALONE


def world() -> World:
    """The ranks that this process has joined; itself alone where there are no others."""
    return _joined


def launched() -> World:
    """As which rank ``torchrun`` or ``--devices`` started this process, by its environment.

    Raises :class:`ConfigError` where the environment contradicts itself.
    """
    size = _number("WORLD_SIZE", 1)
    if size == 1:
        return _ALONE
    rank = _number("RANK", -1)
    local, here = _number("LOCAL_RANK", rank), _number("LOCAL_WORLD_SIZE", size)
    if not (0 <= rank < size <= _MOST_RANKS and 0 <= local < here <= size):
        raise ConfigError(
            f"rank {rank} of {size}, {local} of {here} on this machine",
            where="environment (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE)",
            expected="what torchrun sets",
        )
    return World(rank, size, local, here)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() else default


@contextmanager
def joined(ranks: World) -> Iterator[World]:
    """Meet the other ranks; while it is entered, :func:`world` gives them.

    gloo connects processors, NCCL GPUs. Raises :class:`RankError` where they cannot meet.
    """
    if ranks.size == 1:
        yield ranks
        return
    global _joined
    # Torch's remarks on what is meant so would come from every rank.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    import torch
    from torch import distributed

    if not distributed.is_available():
        raise DeviceError("this build of torch has no torch.distributed", where="--devices")
    folder = os.environ.get(RENDEZVOUS)
    if folder is not None:
        _end_with_parent()
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if ranks.local_rank < gpus:
        torch.cuda.set_device(ranks.local_rank)
    with rank_errors():
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if gpus and distributed.is_nccl_available() else "gloo",
            init_method="env://" if folder is None else f"file://{Path(folder, 'store')}",
            rank=ranks.rank,
            world_size=ranks.size,
            timeout=_PATIENCE,
        )
    _joined = ranks
    try:
        yield ranks
    finally:
        _joined = _ALONE
        with suppress(RuntimeError):  # what went wrong before is being said already
            distributed.destroy_process_group()


def _end_with_parent() -> None:
    """Ask Linux for a TERM when the launcher is gone, so that no rank goes on by itself."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


@contextmanager
def rank_errors(*, what: str = "", todo: str | None = None) -> Iterator[None]:
    """Turn what torch raises where another rank is gone into one line for the user."""
    try:
        yield
    except RuntimeError as error:
        from torch import distributed

        of_peers = distributed.is_available() and isinstance(error, distributed.DistError)
        if not of_peers and _OF_PEERS.search(str(error)) is None:
            raise
        lost = "another process of this training has ended, or cannot be reached"
        raise RankError(f"{lost}; {what}" if what else lost, todo=todo) from error
