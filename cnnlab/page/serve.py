"""Listening: a socket that is ours, uvicorn on it, a browser if one is wanted."""

from __future__ import annotations

import contextlib
import os
import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from cnnlab.errors import ConfigError
from cnnlab.page.app import PageSettings, create_app

__all__ = ["serve"]

#: A click may wait so long for the answers that are on their way when the page is ended.
_GRACE_SECONDS = 3


def _listening(host: str, port: int) -> socket.socket:
    """A socket that is bound, so that the address is known, and refused, before anything else."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"no such address: {error.strerror or error}", where="--host") from None
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}",
            where="--port",
            todo="choose another, or 0 for any that is free",
        ) from None
    return found


def _address(settings: PageSettings, port: int) -> str:
    host = settings.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class _Server(uvicorn.Server):
    """Says where it is once it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def serve(settings: PageSettings, ready: Callable[[str], None], *, browse: bool = False) -> None:
    """Serve the page until INT or TERM; ``ready`` gets its address once it answers.

    Raises :class:`ConfigError` where the address cannot be listened on.
    """
    bound = _listening(settings.host, settings.port)
    address = _address(settings, bound.getsockname()[1])

    def begun() -> None:
        ready(address)
        if browse:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(address)

    config = uvicorn.Config(
        create_app(settings),
        log_level="error" if os.environ.get("CNNLAB_TRACEBACK") else "critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        limit_concurrency=200,
    )
    with bound, contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end
        _Server(config, begun).run(sockets=[bound])
