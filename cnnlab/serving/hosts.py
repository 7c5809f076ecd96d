"""By which names the server may be called.

A page that somebody opens in a browser can make its own host name point to 127.0.0.1 and then ask
this server as if it were its own (DNS rebinding). The browser still says that name in the Host
header, and it is not on the list. An address cannot be made to point elsewhere, so that every
address is welcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from cnnlab.serving.refusal import Refusal
from cnnlab.tables import printable

__all__ = ["HostList"]

_SHOWN = 100
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def _name_of(authority: str) -> str | None:
    """The host without port of ``host:port``, in lower case; None for what is none."""
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port  # ValueError where it is no number
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return (parts.hostname or "").rstrip(".") or None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class HostList:
    """localhost, every IP address, the host that the server listens on, and ``names``.

    Of pages in a browser that ask, an address is welcome where it is this server's or machine's.
    ``*`` in ``names``: any name.
    """

    def __init__(self, host: str, names: Sequence[str]) -> None:
        self._any = "*" in names
        self._names = {name.lower().rstrip(".") for name in ("localhost", host, *names)}
        self._known: set[bytes] = set()

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise :class:`Refusal` for a Host header (421) or an Origin (403) that is not welcome.

        A request without Host is from a program (HTTP/1.0), never from a page in a browser.
        """
        host, origin = headers.get(b"host"), headers.get(b"origin")
        if host is not None and not self._is_welcome(host):
            shown = printable(host.decode("latin-1"))[:_SHOWN]
            raise Refusal(421, f"host '{shown}' is not served here; --allow-host adds names")
        if origin is not None and not self._is_own(origin.partition(b"://")[2], host):
            shown = printable(origin.decode("latin-1"))[:_SHOWN]
            raise Refusal(403, f"pages of '{shown}' may not ask this server")

    def _is_own(self, authority: bytes, host: bytes | None) -> bool:
        """Whether a page may ask: one of this server, of this machine, or of a name on the list.

        A page of another address is a foreign site as any other.
        """
        if self._any or authority == host:
            return True
        return _name_of(authority.decode("latin-1")) in self._names | _LOOPBACK

    def _is_welcome(self, authority: bytes) -> bool:
        if self._any or authority in self._known:
            return True
        name = _name_of(authority.decode("latin-1"))
        if name is None or not (name in self._names or _is_address(name)):
            return False
        if len(self._known) < 100:  # what clients call us is mostly the same
            self._known.add(authority)
        return True
