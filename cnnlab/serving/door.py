"""Who comes in, and with how much: the outermost layer of the server.

Host and key are checked before anything else is looked at, a body is counted while it arrives,
and every request ends in one answer, one line of the log and one count.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from itertools import chain
from typing import Any

from cnnlab.serving.access_log import AccessLog
from cnnlab.serving.exchange import DISCONNECTED, Exchange
from cnnlab.serving.hosts import HostList
from cnnlab.serving.metrics import Metrics
from cnnlab.serving.predictions import Predictions
from cnnlab.serving.refusal import Refusal
from cnnlab.serving.settings import ServeSettings
from cnnlab.tables import printable

__all__ = ["MOST_HEAD_BYTES", "OVERRUN", "WORK", "Door"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Of a request's path, query and headers together.
MOST_HEAD_BYTES = 16 << 10
#: The key of a request's scope that says that bytes follow its declared body.
OVERRUN = "cnnlab.overrun"
#: The key of the task that answers a request; it is cancelled where the client goes away, so that
#: no worker computes what nobody waits for.
WORK = "cnnlab.work"
#: Whoever checks whether the server lives has no key.
_OPEN = frozenset({"/healthz", "/readyz"})
_PREDICT = "/v1/predict"
_JSON = {"content-type": "application/json"}
#: Those that get a count of their own.
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})


class Door:
    """An ASGI application around another one.

    ``paths``: the methods of each path that there is. ``predictions``: asked without a detour
    through the application where a prediction is asked for as it is, without a query; FastAPI's
    layers would cost such a request as much as everything else here together.
    """

    def __init__(
        self,
        app: Application,
        predictions: Predictions,
        settings: ServeSettings,
        paths: Mapping[str, frozenset[str]],
        metrics: Metrics,
        log: AccessLog | None = None,
    ) -> None:
        self.app, self.settings, self.paths, self.metrics = app, settings, paths, metrics
        self.predictions, self.log = predictions, log
        self.hosts = HostList(settings.host, settings.allow_hosts)
        self.buffered_bytes = 0
        self.closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            raise ValueError(f"no {scope['type']} here")
        began = time.perf_counter()
        headers = dict(scope["headers"])
        exchange = Exchange(self, scope, headers, receive, send)
        scope[WORK] = asyncio.current_task()
        try:
            await self._answer(scope, headers, exchange)
        except asyncio.CancelledError:
            exchange.status = exchange.status or DISCONNECTED
            raise
        except Refusal as refusal:
            await exchange.refuse(refusal)
        except Exception as error:
            self._report(error)
            await exchange.refuse(Refusal(500, "the server failed over this request"))
        finally:
            self.buffered_bytes -= exchange.body_bytes
            self._note(scope, exchange, time.perf_counter() - began)

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], exchange: Exchange
    ) -> None:
        self._check(scope, headers)
        path, method = scope["path"], scope["method"]
        if method == "OPTIONS" and (path in self.paths or path == "*"):
            allowed = self.paths.get(path, frozenset({"GET", "HEAD", "POST"}))
            await exchange.reply(204, b"", {"allow": ", ".join(sorted({*allowed, "OPTIONS"}))})
            return
        exchange.check_size()
        if method == "POST" and path == _PREDICT and not scope["query_string"]:
            kind = headers.get(b"content-type", b"").decode("latin-1")
            content = await self.predictions.answer(kind, exchange.receive)
            await exchange.reply(200, content, _JSON)
            return
        if method == "HEAD":  # answered as GET is; the body is left out on its way
            scope = {**scope, "method": "GET"}
        await self.app(scope, exchange.receive, exchange.send)

    def _check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Raise :class:`Refusal` where a request may not come in."""
        if scope["http_version"] not in ("1.0", "1.1"):
            raise Refusal(505, "another version of HTTP; expected 1.1")
        target = len(scope["raw_path"]) + len(scope["query_string"])
        if target + sum(map(len, chain(*scope["headers"]))) > MOST_HEAD_BYTES:
            raise Refusal(431, f"a head of more than {MOST_HEAD_BYTES:,} bytes")
        if scope.get(OVERRUN):
            raise Refusal(413, "the body is longer than its Content-Length says")
        self.hosts.check(headers)
        key = self.settings.api_key
        if key is None or scope["path"] in _OPEN:
            return
        scheme, _, shown = headers.get(b"authorization", b"").partition(b" ")
        shown = shown.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
        if not hmac.compare_digest(shown, key):
            raise Refusal(
                401,
                "no valid API key; expected Authorization: Bearer KEY",
                headers={"www-authenticate": 'Bearer realm="cnnlab"'},
            )

    def _report(self, error: Exception) -> None:
        """Say that there is a bug of ours; the whole story for who asks for it."""
        if self.log is not None:
            what = printable(" ".join(f"unexpected {type(error).__name__}: {error}".split()))
            self.log.add(f"cnnlab: {what}; this is a bug, please report it")
            if os.environ.get("CNNLAB_TRACEBACK"):
                self.log.add("".join(traceback.format_exception(error)))

    def _note(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        """Count the request and write its line."""
        known = scope["path"] in self.paths
        path = scope["path"] if known else "other"
        method = scope["method"] if known and scope["method"] in _METHODS else "other"
        self.metrics.requests.add(method, path, str(exchange.status or "none"))
        if path == _PREDICT:
            self.metrics.seconds.observe(seconds)
        if self.log is None or self.settings.quiet:
            return
        client = scope.get("client") or ("-", 0)
        # Neither can act on a terminal: the parser takes visible ASCII only.
        shown = scope.get("raw_path", b"").decode("ascii", "replace")[:200]
        self.log.add(
            f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {client[0]} "
            f'"{scope["method"][:20]} {shown}" {exchange.status or "gone"} '
            f"{exchange.body_bytes} B {1e3 * seconds:.1f} ms"
        )
