"""The queue in front of workers: batches grow under load, and a lost batch is tried one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cnnlab.serving.stage import Stage
from cnnlab.serving.worker import WorkerLost


class _Worker:
    """Answers each payload in capitals; dies over "x", and lies over "?"."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()
        self.batches: list[bytes] = []
        self.hung_up = 0

    async def ask(self, pieces: Sequence[bytes], seconds: float) -> bytes:
        body = b"".join(pieces)
        self.batches.append(body)
        await asyncio.sleep(0.001)
        if b"x" in body:
            raise WorkerLost
        return body[:-1] if b"?" in body else body.upper()

    def hang_up(self) -> None:
        self.hung_up += 1


def _unpack(answer: bytes, count: int) -> list[str]:
    if len(answer) != count:
        raise ValueError("another number")
    return [chr(each) for each in answer]


def _run(letters: str, **options: int) -> tuple[list[str], _Worker]:
    async def run() -> tuple[list[str], _Worker]:
        worker = _Worker()
        stage = Stage(
            [worker],  # type: ignore[list-item] # it has what a stage needs
            pack=list,
            unpack=_unpack,
            lost=lambda: "lost",
            **{"most": 4, "most_bytes": 100, **options},
            seconds=1.0,
            watch=lambda count, seconds: None,
        )
        feeding = asyncio.create_task(stage.feed())
        results = [await each for each in [stage.submit(letter.encode()) for letter in letters]]
        feeding.cancel()
        return results, worker

    return asyncio.run(run())


def test_what_waits_goes_together_in_order() -> None:
    results, worker = _run("abcdefghij")
    assert results == [*"ABCDEFGHIJ"]
    assert worker.batches == [b"abcd", b"efgh", b"ij"]


def test_a_batch_is_bounded_in_bytes_but_for_a_single_image() -> None:
    results, worker = _run("abc", most_bytes=2)
    assert worker.batches == [b"ab", b"c"]
    assert _run("abc", most_bytes=0)[1].batches == [b"a", b"b", b"c"]
    assert results == [*"ABC"]


def test_one_that_kills_the_worker_takes_no_other_along() -> None:
    results, worker = _run("abxdef")
    assert results == ["A", "B", "lost", "D", "E", "F"]
    assert worker.batches == [b"abxd", b"a", b"b", b"x", b"d", b"ef"]


def test_an_answer_that_cannot_be_ends_the_worker() -> None:
    results, worker = _run("a?c")
    assert results == ["A", "lost", "C"]
    assert worker.hung_up == 2


def test_what_nobody_waits_for_is_not_computed() -> None:
    async def run() -> list[bytes]:
        worker = _Worker()
        stage = Stage(
            [worker],  # type: ignore[list-item] # it has what a stage needs
            pack=list, unpack=_unpack, lost=lambda: "lost", most=4, most_bytes=100, seconds=1.0,
            watch=lambda count, seconds: None,
        )  # fmt: skip
        asked = [stage.submit(letter.encode()) for letter in "abcdef"]
        for gone in (0, 1, 3):
            asked[gone].cancel()
        feeding = asyncio.create_task(stage.feed())
        await asked[-1]
        feeding.cancel()
        return worker.batches

    assert asyncio.run(run()) == [b"cef"]
