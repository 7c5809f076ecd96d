"""What every request goes through before any of our code sees it, and every answer after it.

The page listens on this machine alone, yet any web site that its user visits may make the browser
send requests here. Three things keep these out: the name that the page was called by must be one
of its own (DNS rebinding), what changes something must come from a page of ours (cross-site
request forgery), and no other site may show or read our pages.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import cache

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cnnlab.reports.html import script_source

__all__ = ["LOOPBACK", "MAX_BODY_BYTES", "Guard", "is_address", "is_loopback", "report_policy"]

#: Names of this machine for itself.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: The most bytes that a request may bring along: 64 MiB of images, and what their form adds.
MAX_BODY_BYTES = 65 << 20

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_READING = frozenset({"GET", "HEAD"})


@cache
def report_policy() -> str:
    """For a report, which lies in a run's folder and may come from somebody else.

    In a sandbox of its own, where nothing is this page's, no request goes out, and the script that
    sorts a report's tables runs: that of this cnnlab and no other.
    """
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src {script_source()}; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    )


def is_address(host: str) -> bool:
    """Whether it is a number of an internet address, which no foreign name can stand for."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    return host in LOOPBACK or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def _name_of(host: str) -> str:
    """A Host header without its port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


class Guard:
    """ASGI middleware: host names, origin, size of the body; headers of the answer.

    Parameters
    ----------
    hosts: the names that the page may be called by.
    addresses: whether any number will do as a name, because other machines may reach it.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], addresses: bool = False) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused, pass on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refusal(scope["method"], headers)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("cache-control", "no-store")
            await send(message)

        if refused is not None:
            await refused(scope, receive, sending)
        else:
            await self._app(scope, _bounded(receive), sending)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        if not self._knows(_name_of(headers.get("host", ""))):
            said = "this page is not called so; start it with --allow-host NAME to allow a name\n"
            return PlainTextResponse(said, status_code=421)
        if method not in _READING and not _is_own(headers):
            return PlainTextResponse("a request from elsewhere\n", status_code=403)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY_BYTES:
            return PlainTextResponse(f"at most {MAX_BODY_BYTES:,} bytes\n", status_code=413)
        return None

    def _knows(self, name: str) -> bool:
        return name in self._hosts or (self._addresses and is_address(name))


def _is_own(headers: Headers) -> bool:
    """Whether a page of ours sent it; browsers say so, and let no script say otherwise."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") == "same-origin"
    scheme, _, host = origin.partition("://")
    return scheme in {"http", "https"} and host == headers.get("host")


def _bounded(receive: Receive) -> Receive:
    """The body, cut off with an error where it is longer than it may be, whatever it declared."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MAX_BODY_BYTES:
                raise HTTPException(413, f"at most {MAX_BODY_BYTES:,} bytes")
        return message

    return receiving
