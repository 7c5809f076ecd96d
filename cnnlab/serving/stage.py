"""One of the two stations that images go through: a queue, and workers that take batches of it.

There is no waiting for a batch to fill: a worker that is free takes what is there. Under load,
batches grow by themselves while the workers are busy, and an image that comes alone goes at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cnnlab.serving.worker import Worker, WorkerLost

__all__ = ["Stage"]

T = TypeVar("T")

#: Workers that may be lost with an image; from the first one on it goes alone.
_GIVEN_UP = 2


@dataclass(eq=False, slots=True)
class _Task(Generic[T]):
    """An image on its way, and who waits for it; ``losses``: workers that were lost with it."""

    payload: bytes
    result: asyncio.Future[T]
    losses: int = 0


class Stage(Generic[T]):
    """Hands images to workers and their answers to who asked.

    Parameters
    ----------
    workers: each takes one batch at a time.
    pack: of payloads, the pieces of a frame.
    unpack: of an answer and the number of its images, the result of each; ValueError where it
        cannot be one, which ends the worker.
    lost: what becomes of an image with which two workers were lost.
    most, most_bytes: of a batch; a single image may be larger.
    seconds: that a worker has for each image of a batch, and at least for a batch.
    watch: told the size of each batch and the seconds that it took.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        pack: Callable[[Sequence[bytes]], list[bytes]],
        unpack: Callable[[bytes, int], list[T]],
        lost: Callable[[], T],
        most: int,
        most_bytes: int,
        seconds: float,
        watch: Callable[[int, float], None],
    ) -> None:
        self.workers = workers
        self._pack, self._unpack, self._lost, self._watch = pack, unpack, lost, watch
        self._most, self._most_bytes, self._seconds = most, most_bytes, seconds
        self._waiting: deque[_Task[T]] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def ready(self) -> bool:
        """Whether a worker is."""
        return any(worker.ready.is_set() for worker in self.workers)

    def submit(self, payload: bytes) -> asyncio.Future[T]:
        """Queue an image; cancel what is returned where nobody waits any longer."""
        task = _Task(payload, asyncio.get_running_loop().create_future())
        self._waiting.append(task)
        self._filled.set()
        return task.result

    async def feed(self) -> None:
        """Keep every worker busy; to be cancelled."""
        async with asyncio.TaskGroup() as group:
            for worker in self.workers:
                group.create_task(self._feed(worker))

    async def _feed(self, worker: Worker) -> None:
        while True:
            await worker.ready.wait()
            await self._filled.wait()
            if not worker.ready.is_set():
                continue
            batch = self._take()
            if batch:
                await self._answer(worker, batch)
            else:
                self._filled.clear()

    def _take(self) -> list[_Task[T]]:
        """The next batch, without those whom nobody waits for."""
        batch: list[_Task[T]] = []
        size_bytes = 0
        while self._waiting and len(batch) < self._most:
            task = self._waiting[0]
            if not task.result.done():
                size_bytes += len(task.payload)
                if batch and (task.losses or size_bytes > self._most_bytes):
                    break
                batch.append(task)
            self._waiting.popleft()
            if task.losses and batch:
                break
        return batch

    async def _answer(self, worker: Worker, batch: list[_Task[T]]) -> None:
        begin = asyncio.get_running_loop().time()
        pieces = self._pack([task.payload for task in batch])
        try:
            answer = await worker.ask(pieces, self._seconds * len(batch))
            results = self._unpack(answer, len(batch))
        except ValueError:
            worker.hang_up()
            self._again(batch)
        except WorkerLost:
            self._again(batch)
        else:
            for task, result in zip(batch, results, strict=True):
                if not task.result.done():
                    task.result.set_result(result)
            self._watch(len(batch), asyncio.get_running_loop().time() - begin)

    def _again(self, batch: list[_Task[T]]) -> None:
        """Put a batch whose worker was lost back in front; give up on whom it was lost to alone."""
        for task in reversed(batch):
            task.losses += 1
            if task.losses < _GIVEN_UP:
                self._waiting.appendleft(task)
            elif not task.result.done():
                task.result.set_result(self._lost())
        self._filled.set()
