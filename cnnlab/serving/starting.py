"""From nothing to a predictor that answers: the workers, their tasks and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cnnlab.serving.metrics import Metrics
from cnnlab.serving.predictor import ModelFacts, WorkerPredictor
from cnnlab.serving.settings import ServeSettings
from cnnlab.serving.stages import (
    MOST_RANKS,
    ModelSource,
    decoding_stage,
    model_stage,
    model_worker,
)

__all__ = ["started"]


@asynccontextmanager
async def started(
    source: ModelSource, settings: ServeSettings, metrics: Metrics, say: Callable[[str], None]
) -> AsyncIterator[WorkerPredictor]:
    """A predictor whose workers are ready; they end with it.

    Raises what the model's worker says where it cannot open the model.
    """
    tasks: list[asyncio.Task[None]] = []
    try:
        worker = model_worker(source, settings, say)
        first = asyncio.create_task(worker.run())
        tasks.append(first)
        greeting = await worker.greeting
        worker.settle(engine=greeting["engine"], threads=greeting["threads"])
        facts = ModelFacts.of(greeting, MOST_RANKS)
        decoding = decoding_stage(facts, settings, metrics, say)
        model = model_stage(worker, facts, settings, metrics)
        tasks += [asyncio.create_task(each.run()) for each in decoding.workers]
        tasks += [asyncio.create_task(stage.feed()) for stage in (decoding, model)]
        for decoder in decoding.workers:
            await decoder.greeting
        restarts = [worker, *decoding.workers]
        metrics.gauge(
            "cnnlab_worker_restarts",
            "Workers that died and were replaced.",
            lambda: sum(each.restarts for each in restarts),
        )
        yield WorkerPredictor(
            facts, decoding, model, queue=settings.queue, seconds=settings.answer_seconds
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
