"""One request and its answer: the body is counted and timed, the answer gets its headers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from cnnlab.serving.refusal import Refusal, busy, problem

if TYPE_CHECKING:
    from cnnlab.serving.door import Door

__all__ = ["DISCONNECTED", "Exchange"]

Message = MutableMapping[str, Any]

#: The status in the log of a request whose client went away; nobody is sent it.
DISCONNECTED = 499
#: Seconds that a refused client may go on sending before its connection is closed. Closing at once
#: would reset the connection, and with it lose the answer that says why.
_LINGER_SECONDS = 2.0
_CLOSE = (b"connection", b"close")
#: After these nothing more is expected of a connection: what comes on it may be anything.
_LAST = frozenset({400, 408, 413, 431, 505})
_POLICY = b"content-security-policy"
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_NO_CONTENT = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")


class Exchange:
    """Stands between the server's protocol and the application.

    Attributes
    ----------
    body_bytes: that came.
    status: of the answer, once it has begun.
    """

    __slots__ = (
        *("_closing", "_deadline", "_declared", "_door", "_listening", "_receive", "_send"),
        *("_whole", "body_bytes", "status"),
    )

    def __init__(
        self,
        door: Door,
        scope: Mapping[str, Any],
        headers: Mapping[bytes, bytes],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self._door, self._receive, self._send = door, receive, send
        self._declared = headers.get(b"content-length")
        self._listening = b"expect" not in headers
        self._whole = not (b"transfer-encoding" in headers or (self._declared or b"0") != b"0")
        self._closing = False
        self._deadline: float | None = None
        self.body_bytes, self.status = 0, 0

    def check_size(self) -> None:
        """Raise :class:`Refusal` (413) where the body is declared to be too large."""
        most = self._door.settings.max_body_bytes
        if self._declared is not None and int(self._declared) > most:
            raise _too_large(most)

    async def receive(self) -> Message:
        """The next piece of the body, as ASGI has it.

        Raises :class:`Refusal` for more than is allowed (413) or than there is room for (503),
        where it takes too long (408) and where the client goes away.
        """
        if self._whole:
            return await self._receive()
        settings = self._door.settings
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + settings.body_seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            self._listening = False  # it has had its time
            raise Refusal(
                408, f"the body did not arrive within {settings.body_seconds:g} s"
            ) from None
        if message["type"] != "http.request":
            self._whole = True
            raise Refusal(DISCONNECTED, "the client went away")
        self._whole = not message.get("more_body", False)
        count = len(message.get("body", b""))
        self.body_bytes += count
        self._door.buffered_bytes += count
        if self.body_bytes > settings.max_body_bytes:
            raise _too_large(settings.max_body_bytes)
        if self._door.buffered_bytes > settings.max_buffered_bytes:
            raise busy("too many large requests at once")
        return message

    async def send(self, message: Message) -> None:
        """Pass a piece of the answer on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._closing |= self._door.closing or not self._whole
            await self._send({**message, "headers": self._with_headers(message)})
        elif message.get("more_body", False) or self._whole or not self._listening:
            await self._send(message)
        else:  # all of the answer goes out before the rest of the question is thrown away
            await self._send({**message, "more_body": True})
            await self._throw_away()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _with_headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers = [*message.get("headers", ()), *_HEADERS]
        if not any(name == _POLICY for name, _ in headers):
            headers.append(_NO_CONTENT)
        if self._closing:
            headers.append(_CLOSE)
        return headers

    async def _throw_away(self) -> None:
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._whole:
                    message = await self._receive()
                    self._whole = not message.get("more_body", False)
        except TimeoutError:
            return

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, unless an answer has begun."""
        if not self.status:
            self._closing = refusal.status in _LAST
            told = {"content-type": "application/json", **refusal.headers}
            await self.reply(refusal.status, problem(refusal.message), told)

    async def reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Answer."""
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        if body or status != 204:
            raw.append((b"content-length", str(len(body)).encode()))
        await self.send({"type": "http.response.start", "status": status, "headers": raw})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the body is larger than {most:,} bytes, which is the most here")
