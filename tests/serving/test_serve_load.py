"""Many at once: slow ones, too many, and each its own answer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from running import Running, head, numbered_png, read_all, status_of, stub_server

_PREDICT = "/v1/predict"


def test_case_26_others_are_served_beside_200_slow_connections(server: Running) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(200)]
        for number, connection in enumerate(slow):
            whole = head(_PREDICT, 1000) + bytes(500)
            connection.sendall(whole[: 1 + number * (len(whole) - 1) // 200])
        for number in range(20):
            answer = server.ask("POST", _PREDICT, content=numbered_png(number))
            assert answer.json()["images"][0]["class"] == str(number)
        # And they are not kept: each has been told, or closed, when its time is up.
        answers = [read_all(connection) for connection in slow]
    assert {status_of(answer) for answer in answers} == {408}


def test_a_slow_trickle_does_not_extend_the_deadline(server: Running) -> None:
    with server.connect() as connection:
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            for letter in head(_PREDICT, 10) * 1000:
                connection.sendall(bytes([letter]))
                time.sleep(0.2)
                if time.monotonic() - begin > 20:
                    break
        assert time.monotonic() - begin < 20


def test_an_open_connection_makes_room_for_a_new_one(server: Running) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(server.connect()) for _ in range(420)]
        assert server.ask("POST", _PREDICT, content=numbered_png(4)).status_code == 200
        for connection in idle[:5]:
            assert read_all(connection) == b""
    shown = server.ask("GET", "/metrics").text
    assert 'cnnlab_connections_closed_total{reason="room"}' in shown


def test_case_26_five_times_the_capacity_gets_200_or_503_only(tmp_path: Path) -> None:
    statuses: Counter[int] = Counter()
    lock = threading.Lock()

    def ask(server: Running) -> None:
        with server.client() as client:
            for _ in range(5):
                answer = client.post(_PREDICT, content=numbered_png(1))
                assert answer.status_code == 200 or answer.headers["retry-after"] == "1"
                with lock:
                    statuses[answer.status_code] += 1

    stub = {"seconds": 0.05}
    with (
        stub_server(tmp_path, stub, queue=8, max_files=4, max_batch=4, quiet=True) as server,
        ThreadPoolExecutor(40) as pool,
    ):
        before = server.peak_bytes()
        for each in [pool.submit(ask, server) for _ in range(40)]:
            each.result()
        after = server.peak_bytes()
        metrics = server.ask("GET", "/metrics").text
    assert set(statuses) == {200, 503}
    assert after - before < 32 << 20
    assert f'path="/v1/predict",code="200"}} {statuses[200]}\n' in metrics
    assert f'path="/v1/predict",code="503"}} {statuses[503]}\n' in metrics
    assert "cnnlab_queue_images 0\n" in metrics


def test_no_answer_is_ever_mixed_with_another(server: Running) -> None:
    wrong = []

    def ask(number: int) -> None:
        several = [(number + 7 * step) % 1000 for step in range(number % 4)] or [number]
        files = [("image", (f"{each}.png", numbered_png(each))) for each in several]
        options: dict[str, Any] = {"files": files}
        if number % 4 == 0:
            options = {"content": numbered_png(number)}
        answer = client.post(_PREDICT, **options)
        if [image["class"] for image in answer.json()["images"]] != [str(one) for one in several]:
            wrong.append(number)

    limits = httpx.Limits(max_connections=40)
    with server.client(limits=limits) as client, ThreadPoolExecutor(40) as pool:
        before = _batches(client)
        list(pool.map(ask, range(120)))
        images, batches = (
            after - earlier for after, earlier in zip(_batches(client), before, strict=True)
        )
    assert wrong == []
    assert images == 210
    assert batches < images  # so there were batches to mix up


def _batches(client: httpx.Client) -> tuple[int, int]:
    """Images and batches that the model has had."""
    shown = client.get("/metrics").text
    found = [
        float(shown.partition(f"\ncnnlab_batch_images_{kind} ")[2].split()[0])
        for kind in ("sum", "count")
    ]
    return int(found[0]), int(found[1])


def test_nothing_is_computed_for_who_has_gone_away(tmp_path: Path) -> None:
    stub = {"seconds": 0.5}
    with stub_server(tmp_path, stub, max_batch=1) as server:
        with contextlib.ExitStack() as stack:
            for number in range(40):
                image = numbered_png(number)
                connection = stack.enter_context(server.connect())
                connection.sendall(head(_PREDICT, len(image)) + image)
            while not _told(server, 'cnnlab_batch_images_bucket{le="+Inf"}'):
                time.sleep(0.05)
        assert server.ask("POST", _PREDICT, content=numbered_png(7)).status_code == 200
        counted = 'cnnlab_requests_total{method="POST",path="/v1/predict",code="%d"}'
        answered, gone = _told(server, counted % 200), _told(server, counted % 499)
        computed = _told(server, "cnnlab_batch_images_sum")
        assert _told(server, "cnnlab_queue_images") == 0
    assert answered + gone == 41
    assert gone > 20
    assert answered <= computed <= answered + 1  # the one that a worker had already


def _told(server: Running, name: str) -> float:
    """A sample of the metrics; 0 where there is none."""
    lines = server.ask("GET", "/metrics").text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)
