"""uvicorn's HTTP/1.1, with what it leaves out: deadlines for slow clients, a cap on connections.

uvicorn has no time limit for a request's head: a client that sends a byte now and then keeps its
connection for ever, and so do two hundred of them. Here a sweep goes over all connections a few
times a second and ends those that are overdue. Bodies and answers are timed in ``exchange.py``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from cnnlab.serving.door import MOST_HEAD_BYTES, OVERRUN, WORK
from cnnlab.serving.metrics import Counter
from cnnlab.serving.refusal import problem
from cnnlab.serving.settings import ServeSettings

__all__ = ["GuardedConfig", "GuardedProtocol", "Phase", "sweep"]

#: Seconds that a connection which is being closed may take to accept what it was sent.
_CLOSING_SECONDS = 5.0
#: Seconds beyond its own limits after which a request is ended whatever it does.
_SLACK_SECONDS = 10.0
#: Seconds in which a connection may still send a request when the server stops.
_LAST_CALL_SECONDS = 0.5
#: How a request begins that follows another one on the same connection (pipelining).
_REQUEST = re.compile(rb"[\r\n]*[A-Z]{1,20}( |$)|[\r\n]*$")


class Phase(Enum):
    """What a connection is doing."""

    HEAD = auto()  # it owes us a request's head
    BUSY = auto()  # its body is read, or its request answered
    IDLE = auto()  # it was answered, and kept


class GuardedConfig(uvicorn.Config):
    """uvicorn's configuration with our limits beside it."""

    def __init__(self, app: Any, settings: ServeSettings, closed: Counter) -> None:
        super().__init__(
            app,
            host=settings.host,
            port=settings.port,
            loop="asyncio",
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(settings.idle_seconds) or 1,
            timeout_graceful_shutdown=int(settings.stop_seconds) or 1,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        )
        self.settings, self.closed = settings, closed


class _Gathering:
    """A transport that sends what is written within one turn of the loop at once.

    uvicorn writes an answer's head and body one after the other, each of which would be a call
    of the system and a packet.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it in the end of this turn."""
        if data:
            if not self._pieces:
                self._loop.call_soon(self._flush)
            self._pieces.append(data)

    def close(self) -> None:
        """Send what is left, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces and not self._transport.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces = []


class GuardedProtocol(H11Protocol):
    """A connection that is under watch.

    Attributes
    ----------
    phase, since: what it is doing, and since when by the loop's clock.
    """

    config: GuardedConfig

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        self.transport = cast(asyncio.Transport, _Gathering(transport, self.loop))
        self.phase, self.since = Phase.HEAD, self.loop.time()
        self._heard = self._last_call = False
        if len(self.connections) > self.config.settings.max_connections:
            self._make_room()

    def _make_room(self) -> None:
        """End the connection that has owed us a request for longest, or else this one."""
        others = [
            other
            for other in self.connections
            if isinstance(other, GuardedProtocol)
            and other is not self
            and other.phase is not Phase.BUSY
        ]
        if others:
            min(others, key=lambda other: other.since).cut_off("room")
        else:
            self._say(503, "too many connections", b"retry-after: 1\r\n")
            self.cut_off("connections", abort=False)

    def cut_off(self, reason: str, *, abort: bool = True) -> None:
        """Close the connection and count why."""
        self.config.closed.add(reason)
        self.connections.discard(self)
        if abort:
            self.transport.abort()
        else:
            self.transport.close()

    def _say(self, status: int, message: str, headers: bytes = b"") -> None:
        """Answer what is no request yet."""
        body = problem(message)
        phrase = HTTPStatus(status).phrase
        head = f"HTTP/1.1 {status} {phrase}\r\ncontent-length: {len(body)}\r\n".encode()
        kind = b"content-type: application/json\r\nconnection: close\r\n"
        self.transport.write(b"".join([head, kind, headers, b"\r\n", body]))

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, in the form of every refusal; uvicorn's is plain text."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            raise h11.LocalProtocolError("an answer is on its way, or was the last one")
        self._say(400, "this is no HTTP request that can be read")
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Read on; bytes that cannot be are answered with 400, and end the connection."""
        self._heard = True
        if self.phase is Phase.IDLE:
            self._enter(Phase.HEAD)
        try:
            super().data_received(data)
        except h11.LocalProtocolError:  # garbage in the midst of an answer
            self.transport.abort()
            return
        self._settle()

    def _settle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            return
        if self.phase is not Phase.BUSY:
            self._enter(Phase.BUSY)
            if self._last_call:
                self.cycle.keep_alive = False
        if not self.cycle.more_body and not self.cycle.response_started:
            rest = self.conn.trailing_data[0]
            if rest and not _REQUEST.match(rest[:64]):
                cast(dict[str, object], self.scope)[OVERRUN] = True

    def _enter(self, phase: Phase) -> None:
        self.phase, self.since = phase, self.loop.time()

    def on_response_complete(self) -> None:
        """The connection is free again, or has the next request already."""
        self._enter(Phase.IDLE)
        super().on_response_complete()
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and give up what is being done for it.

        uvicorn leaves its timer behind where the other side reset the connection.
        """
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self.cycle is not None and not self.cycle.response_complete:
            work = cast(dict[str, object], self.scope).get(WORK)
            if isinstance(work, asyncio.Task):
                work.cancel()

    def shutdown(self) -> None:
        """Finish what is in flight; one that may be about to ask gets a moment to do so."""
        self._last_call = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif not self.transport.is_closing():
            self.loop.call_later(_LAST_CALL_SECONDS, self._hang_up)

    def _hang_up(self) -> None:
        if self.phase is not Phase.BUSY and not self.transport.is_closing():
            super().shutdown()

    def check_time(self, now: float) -> None:
        """End the connection where it is overdue."""
        settings = self.config.settings
        age = now - self.since
        if self.transport.is_closing():
            if age > _CLOSING_SECONDS + settings.idle_seconds:
                self.cut_off("closing")
        elif self.phase is Phase.HEAD and age > settings.header_seconds:
            if self._heard:
                self._say(408, f"no whole request within {settings.header_seconds:g} s")
            self.cut_off("head", abort=False)
        elif self.phase is Phase.BUSY:
            most = settings.body_seconds + settings.answer_seconds + _SLACK_SECONDS
            if age > most:
                self.cut_off("answer")


def sweep(connections: Iterable[object], now: float) -> None:
    """End every connection that is overdue at ``now``, by the loop's clock."""
    for connection in list(connections):
        if isinstance(connection, GuardedProtocol):
            connection.check_time(now)
