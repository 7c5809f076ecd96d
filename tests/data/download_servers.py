"""Servers on this machine that stall, lie, drop, and ignore what they are asked."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cnnlab.data.download import Mirror, RemoteFile, fetch_files
from cnnlab.data.transfer import Patience

CONTENT = bytes(range(256)) * 2000  # 512,000 bytes


OTHER = bytes(len(CONTENT))


COMMAND = "cnnlab data fetch some-data"


QUICK = Patience(
    connect_seconds=5.0, read_seconds=1.5, attempts=4, idle_attempts=2, pause_seconds=0.02
)


def remote(name: str = "file.bin", content: bytes = CONTENT) -> RemoteFile:
    return RemoteFile(name, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")


Manners = Callable[[BaseHTTPRequestHandler, int], None]


@dataclass
class Server:
    """A server whose manners each test chooses; it remembers the ranges that it was asked for."""

    port: int = 0
    manners: Callable[[BaseHTTPRequestHandler, int], None] = lambda handler, start: None
    asked: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def mirror(self, name: str = "the mirror") -> Mirror:
        return Mirror(name, f"http://127.0.0.1:{self.port}/")


def serve(server: Server) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append(wanted)
            server.paths.append(self.path)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            server.manners(self, start)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    httpd.handle_error = lambda request, address: None  # type: ignore[method-assign]  # hung up on
    server.port = httpd.server_address[1]
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    return httpd


def head(handler: BaseHTTPRequestHandler, start: int, size: int = len(CONTENT)) -> None:
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
    handler.send_header("Content-Length", str(size - start))
    handler.end_headers()


def honest(handler: BaseHTTPRequestHandler, start: int) -> None:
    head(handler, start)
    handler.wfile.write(CONTENT[start:])


def lying(handler: BaseHTTPRequestHandler, start: int) -> None:
    head(handler, start)
    handler.wfile.write(OTHER[start:])


def dropping(handler: BaseHTTPRequestHandler, start: int) -> None:
    """Sends 200,000 bytes a request and hangs up."""
    head(handler, start)
    handler.wfile.write(CONTENT[start : start + 200_000])


def stalling(handler: BaseHTTPRequestHandler, start: int) -> None:
    head(handler, start)
    handler.wfile.write(CONTENT[start : start + 1000])
    handler.wfile.flush()
    time.sleep(3)


def ignoring_ranges(handler: BaseHTTPRequestHandler, start: int) -> None:
    head(handler, 0)
    handler.wfile.write(CONTENT)


def crawling(handler: BaseHTTPRequestHandler, start: int) -> None:
    head(handler, start)
    for position in range(start, len(CONTENT), 2000):
        handler.wfile.write(CONTENT[position : position + 2000])
        time.sleep(0.05)


def status(code: int) -> Callable[[BaseHTTPRequestHandler, int], None]:
    def answer(handler: BaseHTTPRequestHandler, start: int) -> None:
        handler.send_error(code)

    return answer


def fetch(
    folder: Path,
    *mirrors: Mirror,
    files: tuple[RemoteFile, ...] = (remote(),),
    limit: float | None = None,
    patience: Patience = QUICK,
) -> list[str]:
    said: list[str] = []
    fetch_files(
        files,
        mirrors,
        folder,
        said.append,
        command=COMMAND,
        time_limit_seconds=limit,
        patience=patience,
    )
    return said


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
