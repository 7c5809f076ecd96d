"""Downloads, from servers on this machine that are not always kind."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from download_servers import (
    COMMAND,
    CONTENT,
    OTHER,
    Server,
    crawling,
    fetch,
    head,
    honest,
    lying,
    names_in,
    remote,
    stalling,
    status,
)

from cnnlab.data.download import Mirror, fetch_lock
from cnnlab.data.transfer import Meter, Patience, TooSlow
from cnnlab.errors import DownloadError, StorageError


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
