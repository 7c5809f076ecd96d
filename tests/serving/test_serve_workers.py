"""Workers that die, hang or lie are replaced, and no innocent request pays for it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from running import Running, numbered_png, stub_server

from cnnlab.errors import FailedError
from cnnlab.serving.worker import Worker

_PREDICT = "/v1/predict"
_POISON = 666


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose model dies over one class, and takes its time over the others."""
    folder = tmp_path_factory.mktemp("mortal")
    stub = {"seconds": 0.02, "poison": _POISON}
    with stub_server(folder, stub, decode_seconds=1.0) as server:
        yield server


def _eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def _class_of(server: Running, number: int) -> str:
    answer = server.ask("POST", _PREDICT, content=numbered_png(number))
    return str(answer.json()["images"][0]["class"])


@pytest.mark.parametrize("program", ["stub_model", "serving.decoder"])
def test_a_killed_worker_is_replaced_and_readyz_tells_meanwhile(
    mortal: Running, program: str
) -> None:
    (victim,) = mortal.children(program)
    victim.kill()
    _eventually(lambda: mortal.ask("GET", "/readyz").status_code == 503)
    assert mortal.ask("GET", "/healthz").status_code == 200
    _eventually(lambda: mortal.ask("GET", "/readyz").json() == {"ready": True})
    (successor,) = mortal.children(program)
    assert successor.pid != victim.pid
    assert _class_of(mortal, 12) == "12"
    log = mortal.log.read_text()
    assert "(signal 9); another is started" in log
    # What the first one measured is settled: its successors are told which engine to take.
    assert log.count("engine auto was asked for") == 1
    assert "engine stub was asked for" in log


def test_requests_outlive_the_worker_that_had_them(mortal: Running) -> None:
    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(_class_of, mortal, number) for number in range(30)]
        time.sleep(0.05)
        for program in ("stub_model", "serving.decoder"):
            for worker in mortal.children(program):
                worker.kill()
        assert [each.result() for each in asked] == [str(number) for number in range(30)]


def test_an_image_over_which_the_model_dies_is_503_and_others_are_answered(mortal: Running) -> None:
    with ThreadPoolExecutor(12) as pool:
        numbers = [*range(5), _POISON, *range(5, 11)]
        asked = [
            pool.submit(mortal.ask, "POST", _PREDICT, content=numbered_png(number))
            for number in numbers
        ]
        answers = dict(zip(numbers, (each.result() for each in asked), strict=True))
    refused = answers.pop(_POISON)
    assert refused.status_code == 503
    assert refused.json() == {"error": "the model was lost over this request"}
    found = {number: each.json()["images"][0]["class"] for number, each in answers.items()}
    assert found == {number: str(number) for number in answers}


def test_a_decoder_that_hangs_is_given_up_and_named(mortal: Running) -> None:
    (decoder,) = mortal.children("serving.decoder")
    decoder.send_signal(signal.SIGSTOP)
    assert _class_of(mortal, 31) == "31"  # by its successor
    assert decoder.pid not in [each.pid for each in mortal.children("serving.decoder")]


@pytest.mark.parametrize("problem", [OSError("no more processes"), ValueError("no JSON")])
def test_a_worker_that_cannot_be_started_is_an_error(
    problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        raise problem

    async def start() -> None:
        worker = Worker("model", ["false"], {}, most_bytes=1, say=print)
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(20):
                await worker.greeting
        finally:
            running.cancel()

    monkeypatch.setattr(Worker, "_start", never)
    with pytest.raises(FailedError, match=f"the model: {type(problem).__name__}: {problem}"):
        asyncio.run(start())
