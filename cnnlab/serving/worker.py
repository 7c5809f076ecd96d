"""A worker as the server sees it: a process that answers frames, and another when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnnlab.errors import CnnlabError, FailedError, InputError
from cnnlab.serving.frames import HEAD
from cnnlab.serving.settings import API_KEY

__all__ = ["Worker", "WorkerLost", "python_module"]

#: Seconds before a worker that died is started again: longer each time that it dies at once.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
#: Seconds that a worker has to live for its death to count as the first one.
_SOUND_SECONDS = 10.0
_START_SECONDS = 120.0
_END_SECONDS = 1.0
_TOO_SLOW = (
    f"it did not start within {_START_SECONDS:.0f} s; --engine torch and --threads N leave its "
    "measurements out"
)


class WorkerLost(Exception):
    """The worker died, hung or said what cannot be, before it answered."""


class _Channel(asyncio.Protocol):
    """Frames to and from a worker; one question at a time.

    ``most_bytes``: of an answer; a worker that promises more is given up. ``on_lost``: called once
    there can be no more answers.
    """

    def __init__(self, most_bytes: int, on_lost: Callable[[], None]) -> None:
        self.lost = asyncio.Event()
        self._most_bytes, self._on_lost = most_bytes, on_lost
        self._buffer = bytearray()
        self._number = 0
        self._question: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        self._on_lost()  # before anybody hears of it who could ask again
        if self._question is not None and not self._question.done():
            self._question.set_exception(WorkerLost())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= HEAD.size:
            length, number = HEAD.unpack_from(self._buffer)
            question = self._question
            if question is None or number != self._number or length > self._most_bytes:
                self.close()  # an answer that nobody waits for cannot be told from a wrong one
                return
            end = HEAD.size + length
            if len(self._buffer) < end:
                return
            answer = bytes(memoryview(self._buffer)[HEAD.size : end])
            del self._buffer[:end]
            self._question = None
            if not question.done():
                question.set_result(answer)

    def expect(self) -> asyncio.Future[bytes]:
        """The next answer; the first one is the greeting, whose number is 0."""
        assert self._question is None
        self._question = asyncio.get_running_loop().create_future()
        if self.lost.is_set():
            self._question.set_exception(WorkerLost())
        return self._question

    def ask(self, pieces: Sequence[bytes]) -> asyncio.Future[bytes]:
        """Send a question and return what will be the answer."""
        self._number += 1
        answer = self.expect()
        self.send(self._number, pieces)
        return answer

    def send(self, number: int, pieces: Sequence[bytes]) -> None:
        """Send a frame."""
        assert self._transport is not None
        head = HEAD.pack(sum(map(len, pieces)), number)
        self._transport.write(b"".join([head, *pieces]))

    @property
    def unanswered(self) -> bool:
        """Whether a question is open."""
        return self._question is not None

    def close(self) -> None:
        """Hang up, which ends the worker too."""
        if self._transport is not None:
            self._transport.abort()


def python_module(name: str) -> list[str]:
    """The command that runs a module of ours in this Python, whatever the folder holds."""
    return [sys.executable, "-P", "-m", name]


class Worker:
    """Keeps one process of a kind alive.

    Parameters
    ----------
    name: what lines about it say.
    command: starts it; the number of its socket is appended.
    job: its first frame, as JSON.
    most_bytes: of one of its answers.
    same: which words of its first greeting those of its successors must repeat.
    environment: variables that it has beside the server's.
    quiet: whether what it writes to standard error goes nowhere.
    say: takes a line about a death.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        job: Mapping[str, Any],
        *,
        most_bytes: int,
        same: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
        say: Callable[[str], None],
    ) -> None:
        self.name, self.ready, self.restarts = name, asyncio.Event(), 0
        self.greeting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._command, self._job = list(command), dict(job)
        self._most_bytes, self._same, self._quiet, self._say = most_bytes, same, quiet, say
        self._environment = dict(environment or {})
        self._channel: _Channel | None = None
        self.pid: int | None = None

    async def ask(self, pieces: Sequence[bytes], seconds: float) -> bytes:
        """The answer to a frame; :class:`WorkerLost` where there is none in time.

        A worker that does not answer in time is ended. Ask when it is ready, one frame at a time.
        """
        if self._channel is None:
            raise WorkerLost
        channel = self._channel
        try:
            async with asyncio.timeout(seconds):
                return await channel.ask(pieces)
        except TimeoutError:
            raise WorkerLost from None
        finally:
            if channel.unanswered:  # what comes later would be nobody's
                self.hang_up()

    def hang_up(self) -> None:
        """End the process; another is started."""
        channel = self._channel
        self._forget()
        if channel is not None:
            channel.close()

    def _forget(self) -> None:
        """Let nobody ask the process any more."""
        self.ready.clear()
        self._channel = None

    def settle(self, **words: Any) -> None:
        """Give its successors these words of the job: what the first one measured and chose."""
        self._job |= words

    async def run(self) -> None:
        """Start the process, and again whenever it ends; to be cancelled."""
        loop, pause = asyncio.get_running_loop(), _SHORTEST_PAUSE
        while True:
            began = loop.time()
            try:
                why = await self._live()
            except CnnlabError as error:
                if not self.greeting.done():
                    self.greeting.set_exception(error)
                    return
                why = str(error)
            except (OSError, ValueError) as error:
                # There was no process to be had, or its greeting was none.
                why = f"{type(error).__name__}: {error}"
            if not self.greeting.done():
                failed = FailedError(why, where=f"the {self.name}")
                self.greeting.set_exception(failed)
                return
            sound = loop.time() - began > _SOUND_SECONDS
            pause = _SHORTEST_PAUSE if sound else min(2 * pause, _LONGEST_PAUSE)
            self.restarts += 1
            self._say(f"the {self.name} ended ({why}); another is started")
            await asyncio.sleep(pause)

    async def _live(self) -> str:
        """One process, from its start to its end; returns how it ended."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await self._start(theirs)
        self.pid = process.pid
        channel = _Channel(self._most_bytes, self._forget)
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: channel, sock=ours)
            first = channel.expect()
            channel.send(0, [json.dumps(self._job).encode()])
            try:
                async with asyncio.timeout(_START_SECONDS):
                    self._greet(json.loads(await first))
                self._channel = channel
                self.ready.set()
                await channel.lost.wait()
            except TimeoutError:
                return _TOO_SLOW
            except WorkerLost:
                pass
        finally:
            self._forget()
            channel.close()
            await asyncio.shield(_ended(process))
        code = process.returncode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    async def _start(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        told = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        told.pop(API_KEY, None)  # no worker needs it
        return await asyncio.create_subprocess_exec(
            *self._command,
            str(theirs.fileno()),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # standard output is for the server's one line
            stderr=subprocess.DEVNULL if self._quiet else None,
            env={**told, **self._environment},
        )

    def _greet(self, greeting: dict[str, Any]) -> None:
        if "error" in greeting:
            kind = InputError if greeting["exit_code"] == InputError.exit_code else FailedError
            raise kind(greeting["error"])
        if not self.greeting.done():
            self.greeting.set_result(greeting)
            return
        first = self.greeting.result()
        changed = [word for word in self._same if greeting.get(word) != first.get(word)]
        if changed:
            raise FailedError(
                f"another model lies there now (its {', '.join(changed)} changed)",
                todo="restart the server to serve it",
            )


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait until the process is gone; kill it where closing its socket is not enough."""
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
