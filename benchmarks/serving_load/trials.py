"""What serve.py does to a server beside timing it: too much, for long, and all at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from harness.records import Record
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from serving_load.sides import Served, png, wrk

__all__ = ["hold", "overload", "schema", "swaps"]

_SAMPLE_SECONDS = 5.0


def overload(
    server: Served, bodies: Path, count: int, *, connections: int, seconds: float
) -> Record:
    """Statuses, errors and memory under more connections than the queue has places."""
    before = server.memory_bytes()
    found = wrk(server, bodies, count, connections=connections, seconds=seconds)
    return {**found, "memory_before": before, "memory_after": server.memory_bytes()}


def hold(server: Served, bodies: Path, count: int, *, connections: int, seconds: float) -> Record:
    """The same load for long, and the memory of all processes every few seconds."""
    samples: list[tuple[float, int]] = []
    over = threading.Event()
    begin = time.monotonic()

    def sample() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            samples.append((time.monotonic() - begin, server.memory_bytes()))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        found = wrk(server, bodies, count, connections=connections, seconds=seconds)
    finally:
        over.set()
        sampler.join()
    return {**found, "samples": samples, **_trend(samples)}


def _trend(samples: Sequence[tuple[float, int]]) -> Record:
    """Least, most and slope (bytes a minute) of what comes after the first tenth."""
    steady = samples[len(samples) // 10 :]
    times = np.array([at for at, _ in steady])
    sizes = np.array([size for _, size in steady], dtype=np.float64)
    slope = 60 * float(np.polyfit(times, sizes, 1)[0])
    return {
        "memory_least": int(sizes.min()),
        "memory_most": int(sizes.max()),
        "memory_slope": slope,
    }


def swaps(server: Served, bundle: Bundle, pixels: NDArray[np.uint8]) -> Record:
    """All images at once: whose answer is not the nearest one to what its image has to get?

    ``pixels``: uint8 ``[N, H, W, C]``, all different.
    """
    expected = bundle.probabilities(bundle.logits(pixels))
    names = {name: index for index, name in enumerate(bundle.class_names)}

    async def ask(client: httpx.AsyncClient, file: bytes) -> list[float]:
        while True:
            answer = await client.post(f"{server.url}?top=100", content=file)
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.05)  # 503: the queue is full
        found = [0.0] * len(names)
        for guess in answer.json()["images"][0]["top"]:
            found[names[guess["class"]]] = guess["probability"]
        return found

    async def ask_all() -> list[list[float]]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, timeout=300) as client:
            return await asyncio.gather(*(ask(client, png(image)) for image in pixels))

    found = np.array(asyncio.run(ask_all()))
    distances = ((found[:, None, :] - expected[None, :, :]) ** 2).sum(axis=2)
    swapped = int((distances.argmin(axis=1) != np.arange(len(pixels))).sum())
    return {
        "images": len(pixels),
        "swapped": swapped,
        "largest_difference": float(np.abs(found - expected).max()),
    }


def schema(server: Served, examples: int) -> Record:
    """Requests made from the OpenAPI description, valid and not; every answer has to be as it says.

    Raises what schemathesis found where one is not.
    """
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi import checks

    described = schemathesis.openapi.from_url(f"{server.told['url']}/openapi.json")
    wanted = (
        *(not_a_server_error, checks.status_code_conformance, checks.content_type_conformance),
        *(checks.response_headers_conformance, checks.response_schema_conformance),
    )
    statuses: Counter[int] = Counter()

    def ask(case: Any) -> None:
        answer = case.call()
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=wanted)

    limits = settings(
        max_examples=examples,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    operations = [each.ok() for each in described.get_all_operations() if isinstance(each, Ok)]
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)
            # What takes no parameter and no body has nothing that could be wrong.
            with contextlib.suppress(Unsatisfiable):
                limits(given(case=strategy)(ask))()
    return {
        "operations": len(operations),
        "statuses": {str(key): statuses[key] for key in sorted(statuses)},
    }
