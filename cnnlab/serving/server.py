"""Starts the server, says where it listens, and stops it without losing a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import psutil
import uvicorn

from cnnlab.errors import InputError, Interrupted
from cnnlab.serving.access_log import AccessLog
from cnnlab.serving.app import build_app, paths_of
from cnnlab.serving.door import Door
from cnnlab.serving.metrics import Metrics
from cnnlab.serving.predictions import Predictions
from cnnlab.serving.predictor import ModelFacts, Predictor
from cnnlab.serving.protocol import GuardedConfig, sweep
from cnnlab.serving.settings import ServeSettings
from cnnlab.serving.stages import ModelSource
from cnnlab.serving.starting import started

__all__ = ["Listening", "serve"]

_SWEEP_TICKS = 5  # of a tenth of a second each
_SPARE_FILES = 100
_BACKLOG = 1024


@dataclass(frozen=True)
class Listening:
    """Where the server listens, and what it serves."""

    host: str
    port: int
    pid: int
    facts: ModelFacts

    @property
    def url(self) -> str:
        """The address to open."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        told = {key: self.facts.told[key] for key in ("name", "engine", "engine_reason")}
        return {"host": self.host, "port": self.port, "pid": self.pid, "url": self.url, **told}

    def to_text(self) -> str:
        """One line."""
        told = self.facts.told
        engine = f"{told['engine']}: {told['engine_reason']}"
        return f"{told['name']} is served on {self.url} (process {self.pid}; engine {engine})"


class _Server(uvicorn.Server):
    """uvicorn's server: sweeps its connections, and stops at INT and TERM without dying of them."""

    def __init__(self, config: GuardedConfig, door: Door) -> None:
        super().__init__(config)
        self._door = door
        self.told_started: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.told_started()

    async def on_tick(self, counter: int) -> bool:
        if counter % _SWEEP_TICKS == 0:
            sweep(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._door.closing = True
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # _Signals does; uvicorn would raise them again in the end, and die of them

    def stop(self, *, at_once: bool) -> None:
        """Stop when what is in flight is done, or at once."""
        self.force_exit = at_once
        self.should_exit = True


class _Signals:
    """INT and TERM, from the first moment on: they end the start, and later stop the server."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.server: _Server | None = None

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """While it is entered, they do that and nothing else."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        if threading.current_thread() is not threading.main_thread():
            yield  # no signal comes here
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._note, number, task)
        try:
            yield
        except asyncio.CancelledError:
            if self.first is None:
                raise
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _note(self, number: int, task: asyncio.Task[None]) -> None:
        if self.server is None:
            task.cancel()
        else:
            self.server.stop(at_once=self.first is not None)
        self.first = self.first or number


def serve(
    source: ModelSource,
    settings: ServeSettings,
    *,
    listening: Callable[[Listening], None],
    say: Callable[[str], None],
) -> None:
    """Serve until the process is asked to stop.

    Parameters
    ----------
    source: what is served.
    listening: told once the server answers.
    say: takes lines about what went wrong with a worker.

    Raises :class:`Interrupted` after INT (130) and TERM (143), once requests in flight are
    finished; :class:`InputError` where the model cannot be opened or the port cannot be had.
    """
    with _bound(settings.host, settings.port) as bound, AccessLog() as log:
        _allow_files(settings.max_connections + _SPARE_FILES)
        asyncio.run(_run(bound, source, settings, log, listening, say))


async def _run(
    bound: socket.socket,
    source: ModelSource,
    settings: ServeSettings,
    log: AccessLog,
    listening: Callable[[Listening], None],
    say: Callable[[str], None],
) -> None:
    signals, metrics = _Signals(), Metrics()
    with signals.caught():
        async with started(source, settings, metrics, say) as predictor:
            host, port = bound.getsockname()[:2]
            told = Listening(host, port, os.getpid(), predictor.facts)
            server = _web_server(predictor, settings, metrics, log)
            server.told_started = lambda: listening(told)
            signals.server = server
            await server.serve(sockets=[bound])
    if signals.first is not None:
        raise Interrupted("stopped serving", exit_code=128 + signals.first)


def _web_server(
    predictor: Predictor, settings: ServeSettings, metrics: Metrics, log: AccessLog
) -> _Server:
    # Their lines would stand beside our own, written by whoever reads a request: what they call
    # errors are connections that were cut off, and forms that are refused.
    for name in ("uvicorn", "python_multipart"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    predictions = Predictions(predictor, metrics, settings.max_files)
    app = build_app(predictions, metrics, version("cnnlab"))
    door = Door(app, predictions, settings, paths_of(app), metrics, log)
    server = _Server(GuardedConfig(door, settings, metrics.closed), door)
    own = psutil.Process()
    gauge = metrics.gauge
    gauge("cnnlab_ready", "Whether images are answered.", lambda: float(predictor.ready))
    gauge("cnnlab_queue_images", "Images on their way.", lambda: predictor.pending)
    gauge("cnnlab_connections", "Open ones.", lambda: float(len(server.server_state.connections)))
    gauge("cnnlab_buffered_bytes", "Of bodies in memory.", lambda: float(door.buffered_bytes))
    gauge(
        "process_resident_memory_bytes",
        "Of the process that speaks HTTP.",
        lambda: float(own.memory_info().rss),
    )
    return server


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the address; it listens later."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(_BACKLOG)
        except OSError:
            bound.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"cannot listen on it: {reason[0].lower()}{reason[1:]}",
            where=f"{host} port {port}",
            todo="choose another with --host and --port; --port 0 takes any that is free",
        ) from None
    bound.setblocking(False)
    return bound


def _allow_files(count: int) -> None:
    """Let the process have so many files and sockets open, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
