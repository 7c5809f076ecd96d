"""What the server lets in and how long it waits: every limit, with its default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from cnnlab.errors import ConfigError, InputError

__all__ = ["API_KEY", "ServeSettings", "read_api_key"]

#: The environment variable that holds the API key.
API_KEY = "CNNLAB_API_KEY"
_LEAST_KEY, _LARGEST_KEY_FILE = 16, 4096
_MOST = 1 << 40


@dataclass(frozen=True)
class ServeSettings:
    """How the server behaves; all limits are counted before anything is done with what came.

    Attributes
    ----------
    host, port: where it listens; port 0 is any that is free.
    allow_hosts: names by which it may be called, beside localhost and every IP address; "*": any.
    api_key: what requests must show; None: nothing.
    engine, device: the model's; see ``engines.py`` and ``device.py``.
    threads: the model computes with; None: all cores, or all but one, as it measures.
    decoders: processes that decode images; None: one a core, four at most.
    max_body_bytes: of a request.
    max_buffered_bytes: of all requests together.
    max_pixels: of an image, as its header has it.
    max_files: of a request.
    max_batch: images that the model takes at once.
    max_connections: open at once, slow and idle ones too.
    queue: images that are decoded, computed or waiting.
    header_seconds, body_seconds: a client has to send a request's head, and then its body.
    answer_seconds: a request may take from its last byte to its answer.
    idle_seconds: an unused connection is kept. Longer than a proxy in front keeps it.
    stop_seconds: requests in flight have to finish once the server is asked to stop.
    decode_seconds: one image may take to decode.
    decoder_memory_bytes: a decoder may take beside what it is made of.
    quiet: no access log.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    allow_hosts: tuple[str, ...] = ()
    api_key: bytes | None = field(default=None, repr=False)
    engine: str = "auto"
    device: str = "cpu"
    threads: int | None = None
    decoders: int | None = None
    max_body_bytes: int = 16 << 20
    max_buffered_bytes: int = 256 << 20
    max_pixels: int = 25_000_000
    max_files: int = 64
    max_batch: int = 64
    max_connections: int = 1000
    queue: int = 256
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 30.0
    idle_seconds: float = 75.0
    stop_seconds: float = 30.0
    decode_seconds: float = 10.0
    decoder_memory_bytes: int = 1 << 30
    quiet: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port {self.port}", expected="0 to 65535; 0 is any that is free")
        for each in fields(self):
            value = getattr(self, each.name)
            counted = isinstance(value, int | float) and not isinstance(value, bool)
            if counted and each.name != "port" and not 0 < value <= _MOST:
                raise ConfigError(f"{value}", where=each.name, expected="more than 0")
        if self.max_files > self.queue:
            raise ConfigError(
                f"requests of {self.max_files} files and a queue of {self.queue}",
                expected="a queue that holds at least one request",
                todo="raise --queue or lower --max-files",
            )
        if self.max_body_bytes > self.max_buffered_bytes:  # it would be "too much at once" for ever
            raise ConfigError(
                f"{self.max_body_bytes:,}",
                where="--max-body-bytes",
                expected=f"at most {self.max_buffered_bytes:,}, which all requests together have",
            )


def read_api_key(path: Path | None, environment: Mapping[str, str] = os.environ) -> bytes | None:
    """The key in the file, or in ``CNNLAB_API_KEY``; None where neither is given.

    Space around it is no part of it. Raises :class:`InputError` for a key that cannot be sent in
    a header or that is short enough to be guessed.
    """
    if path is None:
        text, where = environment.get(API_KEY), API_KEY
        if text is None:
            return None
    else:
        where = str(path)
        try:
            with path.open("rb") as stream:
                text = stream.read(_LARGEST_KEY_FILE).decode("ascii", "replace")
        except OSError as error:
            raise InputError(error.strerror or str(error), where=where) from None
    key = text.strip()
    if not (len(key) >= _LEAST_KEY and key.isascii() and key.isprintable() and " " not in key):
        raise InputError(
            "no usable API key",
            where=where,
            expected=f"{_LEAST_KEY} or more printable ASCII letters without spaces",
            todo="make one with: openssl rand -hex 32",
        )
    return key.encode()
