"""What servers answer: pauses that they ask for, and downloads that are gone on with."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from download_servers import (
    CONTENT,
    OTHER,
    Manners,
    Server,
    dropping,
    fetch,
    honest,
    ignoring_ranges,
    names_in,
    status,
)

from cnnlab.data.transfer import Patience
from cnnlab.errors import DownloadError


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
