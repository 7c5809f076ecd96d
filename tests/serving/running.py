"""Servers in processes of their own, and what to ask them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from PIL import Image

#: Of a body, to the server that most tests share.
MOST_BYTES = 300_000
STUB = {"seconds": 0.0, "classes": 1000, "input_shape": [4, 4, 3]}
_SERVER = Path(__file__).with_name("stub_server.py")


@dataclass
class Running:
    """A server that listens."""

    process: subprocess.Popen[str]
    told: dict[str, Any]
    log: Path

    @property
    def port(self) -> int:
        return int(self.told["port"])

    @property
    def url(self) -> str:
        return str(self.told["url"])

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.request(method, path, **options)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def raw(self, sent: bytes) -> bytes:
        """Everything that comes back until the server closes the connection."""
        with self.connect() as connection:
            with contextlib.suppress(OSError):
                connection.sendall(sent)
            return read_all(connection)

    def children(self, program: str) -> list[psutil.Process]:
        """The workers whose command has this word."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if program in " ".join(_words(child))]

    def peak_bytes(self) -> int:
        """The most memory that its processes have had so far."""
        pids = [self.process.pid, *(one.pid for one in psutil.Process(self.process.pid).children())]
        return sum(_peak(pid) for pid in pids)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def read_all(connection: socket.socket) -> bytes:
    """Until the other side closes or resets."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            got += piece
    return got


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, **options: Any) -> Iterator[Running]:
    """Start a server that says in JSON where it listens; killed in the end where it still runs."""
    with (
        log.open("w") as stream,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stream, text=True, **options
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            yield Running(process, json.loads(line), log)
        finally:
            process.kill()


@contextlib.contextmanager
def stub_server(
    folder: Path, stub: dict[str, Any] | None = None, **settings: Any
) -> Iterator[Running]:
    """A server whose model answers an image with the number in it."""
    told = {"port": 0, "decoders": 1, **settings}
    command = [sys.executable, str(_SERVER), json.dumps(told), json.dumps({**STUB, **(stub or {})})]
    with running(command, folder / "server.log", env={**os.environ}) as server:
        yield server


def numbered_png(number: int) -> bytes:
    """A PNG, 4 x 4, whose first pixel holds the number; the stub's class of it."""
    pixels = np.full((4, 4, 3), 7, dtype=np.uint8)
    pixels[0, 0] = list(number.to_bytes(3, "big"))
    return png(pixels)


def png(pixels: np.ndarray) -> bytes:
    """uint8 ``[H, W, C]`` as a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def head(path: str, length: int | None, *more: str, method: str = "POST") -> bytes:
    """The head of a request with a body of so many bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *more]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def status_of(answer: bytes) -> int:
    """The status of a raw answer."""
    return int(answer.split(b" ", 2)[1])
