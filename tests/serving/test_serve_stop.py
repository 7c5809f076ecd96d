"""Asked to stop, the server finishes what is in flight, and says so by its exit code."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from running import Running, head, numbered_png, read_all, status_of, stub_server

_PREDICT = "/v1/predict"


def _post(server: Running, number: int) -> httpx.Response:
    return server.ask("POST", _PREDICT, content=numbered_png(number))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_case_27_requests_in_flight_finish(tmp_path: Path, number: int, code: int) -> None:
    stub = {"seconds": 0.5}
    with (
        stub_server(tmp_path, stub, max_batch=2) as server,
        ThreadPoolExecutor(8) as pool,
        server.connect() as uploading,
        server.connect() as silent,
    ):
        workers = psutil.Process(server.process.pid).children()
        image = numbered_png(9)
        uploading.sendall(head(_PREDICT, len(image)) + image[:10])  # half of it is there
        asked = [pool.submit(_post, server, each) for each in range(5)]
        time.sleep(0.3)
        server.process.send_signal(number)
        time.sleep(0.2)
        uploading.sendall(image[10:])
        answers = [each.result() for each in asked]
        assert [each.json()["images"][0]["class"] for each in answers] == [*"01234"]
        assert {each.headers["connection"] for each in answers[2:]} == {"close"}
        assert status_of(read_all(uploading)) == 200
        assert read_all(silent) == b""
        assert server.process.wait(20) == code
    assert "stopped serving" in server.log.read_text()
    assert not any(worker.is_running() for worker in workers)


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with stub_server(tmp_path, {"seconds": 15.0}) as server, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_post, server, 1)
        time.sleep(0.3)
        server.process.terminate()
        time.sleep(0.5)
        assert server.process.poll() is None
        server.process.terminate()
        assert server.process.wait(10) == 143
        assert asked.exception() is not None or asked.result().status_code == 500


def test_a_server_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    with stub_server(tmp_path, {}) as server:
        workers = psutil.Process(server.process.pid).children()
        assert len(workers) == 2
        server.process.kill()
        server.process.wait()
        gone, _ = psutil.wait_procs(workers, timeout=20)
    assert len(gone) == 2
