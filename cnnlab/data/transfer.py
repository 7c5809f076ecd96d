"""One request to one server: how far it came, how fast, and whether it is worth waiting for."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cnnlab.data.source import Say
from cnnlab.files import storage_errors

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Broken", "Meter", "PassedOver", "Patience", "TooSlow", "append", "reach"]

_BLOCK_BYTES = 1 << 16
#: Answers of a server that may have the file at another moment.
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_PORTS = {"https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080}


class PassedOver(Exception):
    """Why a server is of no use; reads on after the server's name."""


class Broken(PassedOver):
    """The connection broke, or the server is busy; asking again may help.

    ``wait_seconds`` is what the server asked for, if it did.
    """

    def __init__(self, reason: str, *, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class TooSlow(PassedOver):
    """The whole would take ``projected_seconds``, longer than is allowed."""

    def __init__(self, projected_seconds: float) -> None:
        super().__init__(f"is too slow: about {projected_seconds:.0f} s in all")
        self.projected_seconds = projected_seconds


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes
    ----------
    connect_seconds: for the look-up of its name and the connection, together.
    read_seconds: for its answer, and for each further piece.
    attempts: requests for one file, each going on where the last one broke off.
    idle_attempts: how many of them in a row may bring nothing.
    pause_seconds: between two requests the first of which brought nothing; doubled each time.
    longest_pause_seconds: a server that asks for a longer wait is passed over.
    """

    connect_seconds: float = 3.0
    read_seconds: float = 10.0
    attempts: int = 8
    idle_attempts: int = 3
    pause_seconds: float = 1.0
    longest_pause_seconds: float = 30.0


class Meter:
    """Counts bytes as they come, says how it goes, and stops what would take too long.

    Parameters
    ----------
    total_bytes: what is to come in all.
    limit_seconds: the longest that the whole may take; None: as long as it takes.
    clock: gives seconds.
    """

    #: Speed is not judged before a request has run for this long, or a quarter of the limit.
    settle_seconds = 1.0
    #: Progress is said at most this often.
    say_seconds = 1.0

    def __init__(
        self,
        say: Say,
        *,
        total_bytes: int,
        limit_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._clock, self._limit = say, clock, limit_seconds
        self._label = ""
        self._total, self._here, self._finished = total_bytes, 0, 0
        self._began = self._said = self._asked = clock()
        self._since_asked = 0

    def finish(self, size_bytes: int) -> None:
        """Count a whole file as here."""
        self._finished += size_bytes

    def ask(self, label: str, here_bytes: int) -> None:
        """Begin a request for a file of which ``here_bytes`` are here already."""
        self._label, self._since_asked = label, 0
        self._here = self._finished + here_bytes
        self._asked = self._clock()
        if self._limit is not None and self._asked - self._began >= self._limit:
            raise TooSlow(self._asked - self._began)
        left = (self._total - self._here) / 1e6
        self._say(f"{'going on with' if here_bytes else 'downloading'} {label}: {left:.1f} MB left")

    def pause(self, seconds: float, reason: str) -> None:
        """Wait before the next request; :class:`TooSlow` where there is no time to."""
        spent = self._clock() - self._began
        if self._limit is not None and spent + seconds >= self._limit:
            raise TooSlow(spent + seconds)
        self._say(f"{reason}; asking again in {seconds:g} s")
        time.sleep(seconds)

    def add(self, count: int) -> None:
        """Count bytes as they come; raise :class:`TooSlow` where the whole takes too long."""
        self._here += count
        self._since_asked += count
        now = self._clock()
        running = now - self._asked
        settled = min(self.settle_seconds, (self._limit or 4 * self.settle_seconds) / 4)
        if running <= 0 or running < settled:
            return
        speed = self._since_asked / running
        left_seconds = (self._total - self._here) / speed
        projected = now - self._began + left_seconds
        if self._limit is not None and projected > self._limit:
            raise TooSlow(projected)
        if now - self._said >= self.say_seconds:
            self._said = now
            self._say(
                f"{self._label}: {self._here / 1e6:.1f} of {self._total / 1e6:.1f} MB,"
                f" {speed / 1e6:.2f} MB/s, {left_seconds:.0f} s left"
            )


def reach(url: str, *, seconds: float) -> None:
    """Connect to the host of ``url``, or to the proxy for it; raise :class:`PassedOver` if in vain.

    The look-up of a name and the round of a host's many addresses know no time-out together, so
    they run in a thread that is left behind.
    """
    from requests.utils import get_environ_proxies, select_proxy

    proxy = select_proxy(url, get_environ_proxies(url))
    target = urlsplit((proxy if "://" in proxy else f"http://{proxy}") if proxy else url)
    host, port = target.hostname or "", target.port or _PORTS.get(target.scheme, 80)
    answer: queue.Queue[str | None] = queue.Queue()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
        except (OSError, UnicodeError) as error:
            answer.put(str(getattr(error, "strerror", None) or error).lower())
        else:
            answer.put(None)

    threading.Thread(target=connect, daemon=True).start()
    try:
        trouble = answer.get(timeout=seconds)
    except queue.Empty:
        trouble = f"no answer within {seconds:g} s"
    if trouble is not None:
        raise PassedOver(f"cannot be reached ({trouble})")


def append(
    url: str, partial: Path, *, label: str, size_bytes: int, meter: Meter, patience: Patience
) -> None:
    """Ask ``url`` for what ``partial`` lacks of ``size_bytes``, and write it as it comes.

    A server that ignores ranges sends all of it, and the file begins anew. Raises
    :class:`Broken` when less came than was promised or the server is busy, :class:`PassedOver`
    when it has no such file or one of another size.
    """
    import requests
    from urllib3.exceptions import HTTPError

    reach(url, seconds=patience.connect_seconds)
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "cnnlab"}
    if have:
        headers["Range"] = f"bytes={have}-"
    waits = (patience.connect_seconds, patience.read_seconds)
    try:
        with requests.get(url, headers=headers, stream=True, timeout=waits) as response:
            start = _start_of(response, have, size_bytes)
            meter.ask(label, start)
            _write(response, partial, start, size_bytes, meter)
    except (requests.RequestException, HTTPError) as error:
        raise Broken(f"broke off ({_reason(error)})") from error
    if partial.stat().st_size < size_bytes:
        raise Broken(f"sent {partial.stat().st_size:,} of {size_bytes:,} bytes")


def _start_of(response: Response, have: int, size_bytes: int) -> int:
    """Where in the file the answer begins; the headers must promise the file of that size."""
    if response.status_code == 206:
        span, _, whole = response.headers.get("Content-Range", "").partition("/")
        if span.startswith(f"bytes {have}-") and whole in {str(size_bytes), "*"}:
            return have
        raise PassedOver(f"answers a range with '{span}/{whole}'")
    if response.status_code in _BUSY:
        asked = response.headers.get("Retry-After", "")
        seconds = float(asked) if asked.isascii() and asked.isdigit() else 0.0
        raise Broken(f"answers {response.status_code} {response.reason}", wait_seconds=seconds)
    if response.status_code != 200:
        raise PassedOver(f"answers {response.status_code} {response.reason}")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(size_bytes):
        raise PassedOver(f"offers {length} bytes, not the published {size_bytes}")
    return 0


def _write(response: Response, partial: Path, start: int, size_bytes: int, meter: Meter) -> None:
    position = start
    with storage_errors(partial):
        stream = partial.open("ab" if start else "wb")
    try:
        for block in response.raw.stream(_BLOCK_BYTES, decode_content=False):
            position += len(block)
            if position > size_bytes:
                raise PassedOver(f"sends more than the published {size_bytes} bytes")
            with storage_errors(partial):
                stream.write(block)
                stream.flush()
            meter.add(len(block))
    finally:
        with storage_errors(partial):  # closing writes what a full disk did not take once more
            stream.close()


def _reason(error: Exception) -> str:
    """The innermost cause, in a few words: libraries wrap it in several layers."""
    while error.__cause__ is not None or error.__context__ is not None:
        inner = error.__cause__ or error.__context__
        if not isinstance(inner, Exception):
            break
        error = inner
    return str(error) or type(error).__name__
