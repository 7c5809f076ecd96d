"""Against servers on this machine that stall, lie, drop, and ignore what they are asked."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cnnlab.data.download import Mirror, RemoteFile, fetch_files, fetch_lock
from cnnlab.data.transfer import Meter, Patience, TooSlow
from cnnlab.errors import DownloadError, StorageError

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


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    started = []

    def start(manners: Callable[[BaseHTTPRequestHandler, int], None]) -> Server:
        server = Server(manners=manners)
        started.append(serve(server))
        return server

    yield start
    for httpd in started:
        httpd.shutdown()
        httpd.server_close()


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


def test_a_file_comes_whole_and_alone(servers: Callable[..., Server], tmp_path: Path) -> None:
    server = servers(honest)
    said = fetch(tmp_path / "d", server.mirror())
    assert (tmp_path / "d" / "file.bin").read_bytes() == CONTENT
    assert names_in(tmp_path / "d") == ["file.bin"]
    assert said == ["downloading file.bin from the mirror: 0.5 MB left"]


def test_what_is_here_is_not_fetched_again(servers: Callable[..., Server], tmp_path: Path) -> None:
    server = servers(honest)
    fetch(tmp_path / "d", server.mirror())
    assert fetch(tmp_path / "d", server.mirror()) == []
    assert len(server.asked) == 1
    (tmp_path / "d" / "file.bin").write_bytes(OTHER)
    fetch(tmp_path / "d", server.mirror())
    assert (tmp_path / "d" / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("manners", "complaint"),
    [
        (status(404), "answers 404"),
        (status(503), "answers 503"),
        (lying, "sends other contents than were published"),
        (stalling, "broke off"),
        (lambda handler, start: None, "broke off"),
        (lambda handler, start: head(handler, 0, 7), "offers 7 bytes, not the published 512000"),
    ],
    ids=["404", "503", "lying", "stalling", "silent", "other size"],
)
def test_a_bad_mirror_is_passed_over_by_name(
    manners: Callable[[BaseHTTPRequestHandler, int], None],
    complaint: str,
    servers: Callable[..., Server],
    tmp_path: Path,
) -> None:
    bad, good = servers(manners), servers(honest)
    said = fetch(tmp_path / "d", bad.mirror("the bad one"), good.mirror("the good one"))
    assert (tmp_path / "d" / "file.bin").read_bytes() == CONTENT
    assert names_in(tmp_path / "d") == ["file.bin"]
    assert any(line.startswith("the bad one ") and complaint in line for line in said)

    with pytest.raises(DownloadError, match=f"the bad one {complaint}") as caught:
        fetch(tmp_path / "e", bad.mirror("the bad one"))
    assert COMMAND in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "file.bin" not in names_in(tmp_path / "e")


def test_a_dropped_connection_is_gone_on_with(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    server = servers(dropping)
    fetch(tmp_path / "d", server.mirror())
    assert (tmp_path / "d" / "file.bin").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=200000-", "bytes=400000-"]


def after(failures: int, first: Callable[[BaseHTTPRequestHandler, int], None]) -> Manners:
    """Behave like ``first`` so many times, and honestly from then on."""
    left = [failures]

    def manners(handler: BaseHTTPRequestHandler, start: int) -> None:
        left[0] -= 1
        (first if left[0] >= 0 else honest)(handler, start)

    return manners


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again_after_longer_and_longer_pauses(
    code: int, servers: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("cnnlab.data.transfer.time.sleep", pauses.append)
    server = servers(after(3, status(code)))
    patience = Patience(pause_seconds=0.5, idle_attempts=4)
    said = fetch(tmp_path / "d", server.mirror(), patience=patience)
    assert (tmp_path / "d" / "file.bin").read_bytes() == CONTENT
    assert pauses == [0.5, 1.0, 2.0]
    assert said[0].startswith(f"the mirror answers {code} ")
    assert said[0].endswith("; asking again in 0.5 s")


def wanting(wait: str) -> Callable[[BaseHTTPRequestHandler, int], None]:
    def answer(handler: BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(503)
        handler.send_header("Retry-After", wait)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_a_server_that_asks_for_a_wait_gets_it(
    servers: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("cnnlab.data.transfer.time.sleep", pauses.append)
    fetch(tmp_path / "d", servers(after(1, wanting("7"))).mirror())
    assert pauses == [7.0]


@pytest.mark.parametrize("wait", ["3600", "99999999999999999999"])
def test_a_server_that_asks_for_too_long_a_wait_is_passed_over(
    wait: str, servers: Callable[..., Server], tmp_path: Path
) -> None:
    busy, good = servers(after(1, wanting(wait))), servers(honest)
    fetch(tmp_path / "d", busy.mirror("the busy one"), good.mirror())
    assert len(busy.asked) == 1
    assert (tmp_path / "d" / "file.bin").read_bytes() == CONTENT


def test_there_is_no_pause_beyond_the_time_limit(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    server = servers(after(1, wanting("20")))
    with pytest.raises(DownloadError, match=r"would take about 2\d s .*at most 5 s"):
        fetch(tmp_path / "d", server.mirror(), limit=5.0)


def test_offline_nothing_is_asked_for(
    servers: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers(honest)
    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    with pytest.raises(DownloadError, match=r"file\.bin: .*nothing is downloaded offline"):
        fetch(tmp_path / "d", server.mirror())
    assert server.asked == []
    monkeypatch.setenv("CNNLAB_OFFLINE", "0")
    fetch(tmp_path / "d", server.mirror())


def test_a_later_attempt_and_another_mirror_go_on_with_what_is_here(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    with pytest.raises(DownloadError):
        fetch(
            tmp_path / "d",
            servers(dropping).mirror(),
            patience=Patience(attempts=1),
        )
    assert names_in(tmp_path / "d") == [".file.bin.part"]
    server = servers(honest)
    said = fetch(tmp_path / "d", server.mirror())
    assert server.asked == ["bytes=200000-"]
    assert (tmp_path / "d" / "file.bin").read_bytes() == CONTENT
    assert said == ["going on with file.bin from the mirror: 0.3 MB left"]


def test_a_server_that_ignores_ranges_begins_anew(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / ".file.bin.part").write_bytes(OTHER[:1000])
    server = servers(ignoring_ranges)
    fetch(tmp_path, server.mirror())
    assert server.asked == ["bytes=1000-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("inherited", [OTHER[:1000], OTHER, OTHER + b"more", b""])
def test_wrong_bytes_of_an_earlier_attempt_are_not_blamed_on_the_mirror(
    inherited: bytes, servers: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / ".file.bin.part").write_bytes(inherited)
    fetch(tmp_path, servers(honest).mirror())
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert ".file.bin.part" not in names_in(tmp_path)


def test_a_range_other_than_asked_for_is_refused(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}")
        handler.end_headers()

    (tmp_path / ".file.bin.part").write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match="answers a range with 'bytes 0-511999/512000'"):
        fetch(tmp_path, servers(elsewhere).mirror())


def test_an_endless_answer_is_cut(servers: Callable[..., Server], tmp_path: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(100_000))

    with pytest.raises(DownloadError, match="sends more than the published 512000 bytes"):
        fetch(tmp_path, servers(endless).mirror())


def test_an_unreachable_host_and_a_closed_port_are_passed_over(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = Mirror("nobody", f"http://127.0.0.1:{closed.getsockname()[1]}/")
        nowhere = Mirror("nowhere", "http://host.invalid/")
        said = fetch(tmp_path, nobody, nowhere, servers(honest).mirror())
    assert said[0].startswith("nobody cannot be reached (")
    assert said[1].startswith("nowhere cannot be reached (")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_look_up_that_never_ends_costs_the_connect_time(
    servers: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    look_up = socket.getaddrinfo

    def slow(host: str, *arguments: object, **options: object) -> object:
        if host == "slow.invalid":
            release.wait(30)
            raise OSError("released")
        return look_up(host, *arguments, **options)  # type: ignore[arg-type]  # passed on as is

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    patience = Patience(connect_seconds=1.0, read_seconds=5.0)
    slow_mirror = Mirror("slow", "http://slow.invalid/")
    said = fetch(tmp_path, slow_mirror, servers(honest).mirror(), patience=patience)
    release.set()
    assert said[0] == "slow cannot be reached (no answer within 1 s)"
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_proxy_is_honoured(
    servers: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = servers(honest)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    fetch(tmp_path, Mirror("far away", "http://host.invalid/data/"))
    assert proxy.paths == ["http://host.invalid/data/file.bin"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_what_would_take_too_long_is_given_up_with_the_command(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    server = servers(crawling)
    with pytest.raises(DownloadError, match=r"would take about \d+ s") as caught:
        fetch(tmp_path / "d", server.mirror(), limit=1.0)
    assert f"run: {COMMAND}" in str(caught.value)
    assert "expected at most 1 s" in str(caught.value)
    assert names_in(tmp_path / "d") == [".file.bin.part"]


def test_a_slow_mirror_makes_room_for_a_quick_one(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    said = fetch(tmp_path, servers(crawling).mirror("slow"), servers(honest).mirror(), limit=4.0)
    assert any(line.startswith("slow is too slow: about") for line in said)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_several_files_stay_where_they_came(servers: Callable[..., Server], tmp_path: Path) -> None:
    def first_only(handler: BaseHTTPRequestHandler, start: int) -> None:
        (honest if handler.path == "/a" else status(404))(handler, start)

    half, whole = servers(first_only), servers(honest)
    files = (remote("a"), remote("b"), remote("c"))
    fetch(tmp_path, half.mirror("half"), whole.mirror("whole"), files=files)
    assert half.paths == ["/a", "/b"]
    assert whole.paths == ["/b", "/c"]
    assert names_in(tmp_path) == ["a", "b", "c"]


def test_two_processes_fetch_once(servers: Callable[..., Server], tmp_path: Path) -> None:
    def unhurried(handler: BaseHTTPRequestHandler, start: int) -> None:
        time.sleep(0.3)
        honest(handler, start)

    server = servers(unhurried)
    program = f"""
from pathlib import Path
from cnnlab.data.download import Mirror, RemoteFile, fetch_files
fetch_files([RemoteFile(*{(remote().name, remote().size_bytes, remote().digest)!r})],
            [Mirror("m", {server.mirror().base_url!r})], Path({str(tmp_path / "d")!r}), print,
            command="c")
"""
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    workers = [subprocess.Popen([sys.executable, "-c", program], env=environment) for _ in range(2)]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert server.asked == [None]
    assert (tmp_path / "d" / "file.bin").read_bytes() == CONTENT


def test_a_lock_that_is_held_is_waited_for_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    with (
        fetch_lock(tmp_path / "d", said.append),
        pytest.raises(DownloadError, match="another process is still fetching"),
        fetch_lock(tmp_path / "d", said.append, wait_seconds=0.1),
    ):
        pass
    assert said == [f"another process is fetching into {tmp_path / 'd'}: waiting for it"]


def test_a_folder_that_cannot_be_written_is_a_storage_error(
    servers: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "d").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        fetch(tmp_path / "d", servers(honest).mirror())


class Clock:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_said_once_a_second_with_speed_and_what_is_left() -> None:
    clock, said = Clock(), []
    meter = Meter(said.append, total_bytes=100_000_000, clock=clock)
    meter.ask("x from y", 20_000_000)
    for _ in range(32):
        clock.now += 0.125
        meter.add(1_000_000)
    assert said[0] == "going on with x from y: 80.0 MB left"
    assert len(said) == 1 + 4
    assert said[-1] == "x from y: 52.0 of 100.0 MB, 8.00 MB/s, 6 s left"


def test_the_projected_time_counts_what_was_spent_already() -> None:
    clock = Clock()
    meter = Meter(lambda line: None, total_bytes=1000, limit_seconds=60.0, clock=clock)
    clock.now += 30.0  # lost on another mirror
    meter.ask("x", 0)
    clock.now += 10.0
    meter.add(500)  # 30 + 10 + 10 seconds: in time
    meter.ask("x", 500)
    clock.now += 10.0
    with pytest.raises(TooSlow) as caught:
        meter.add(100)  # 40 + 10 + 40 seconds
    assert caught.value.projected_seconds == pytest.approx(90.0)
    clock.now += 60.0
    with pytest.raises(TooSlow):
        meter.ask("x", 0)
