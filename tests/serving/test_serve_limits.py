"""What is too large, too long or no HTTP at all gets a 4xx, and the next client an answer."""

from __future__ import annotations

import json
import socket
import struct
import time
import zlib

import pytest
from running import MOST_BYTES, Running, head, numbered_png, read_all, status_of

_PREDICT = "/v1/predict"


def _padded(length: int) -> bytes:
    """A PNG of exactly so many bytes: what follows its end is not looked at."""
    image = numbered_png(5)
    return image + bytes(length - len(image))


def _alive(server: Running) -> bool:
    answer = server.ask("POST", _PREDICT, content=numbered_png(9))
    return answer.status_code == 200 and answer.json()["images"][0]["class"] == "9"


def test_case_25_a_body_at_the_limit_passes_and_one_byte_more_is_413(server: Running) -> None:
    assert server.ask("POST", _PREDICT, content=_padded(MOST_BYTES)).status_code == 200
    over = server.ask("POST", _PREDICT, content=_padded(MOST_BYTES + 1))
    assert over.status_code == 413
    assert over.json() == {"error": "the body is larger than 300,000 bytes, which is the most here"}


def test_case_25_a_chunked_body_is_counted_as_it_comes(server: Running) -> None:
    def pieces(length: int):
        data = _padded(length)
        for at in range(0, length, 10_000):
            yield data[at : at + 10_000]

    assert server.ask("POST", _PREDICT, content=pieces(MOST_BYTES)).status_code == 200
    assert server.ask("POST", _PREDICT, content=pieces(MOST_BYTES + 1)).status_code == 413


def _send_again_and_again(connection: socket.socket, chunk: bytes) -> None:
    for _ in range(1 << 20):
        connection.sendall(chunk)


def test_case_25_an_endless_body_is_cut_off(server: Running) -> None:
    before = server.peak_bytes()
    with server.connect() as connection:
        connection.sendall(head(_PREDICT, None, "Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        with pytest.raises(ConnectionError):
            _send_again_and_again(connection, chunk)
    assert server.peak_bytes() - before < 64 << 20
    assert _alive(server)


def test_case_25_a_declared_length_beyond_the_limit_is_413_before_the_body(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(head(_PREDICT, 1 << 40))
        assert status_of(connection.recv(1 << 16)) == 413


def test_case_25_a_client_that_asks_first_is_told_before_it_sends(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(head(_PREDICT, MOST_BYTES + 1, "Expect: 100-continue"))
        assert status_of(read_all(connection)) == 413
    with server.connect() as connection:
        image = numbered_png(3)
        connection.sendall(head(_PREDICT, len(image), "Expect: 100-continue", "Connection: close"))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
        connection.sendall(image)
        assert status_of(read_all(connection)) == 200


def test_case_25_a_body_longer_than_it_says_is_413(server: Running) -> None:
    answer = server.raw(head(_PREDICT, 10) + _padded(MOST_BYTES + 1))
    assert status_of(answer) == 413
    assert answer.count(b"HTTP/1.1 ") == 1


def test_case_25_a_body_shorter_than_it_says_is_408(server: Running) -> None:
    image = numbered_png(3)
    answer = server.raw(head(_PREDICT, len(image) + 1) + image)
    assert status_of(answer) == 408
    assert b'"the body did not arrive within 2 s"' in answer


def _png_header(width: int, height: int) -> bytes:
    """A grey PNG that declares these sides, with a mebibyte of its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    sides = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 20))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", sides), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    )


def test_case_25_a_png_of_50_000_by_50_000_is_refused_with_flat_memory(server: Running) -> None:
    before = server.peak_bytes()
    for _ in range(5):
        answer = server.ask("POST", _PREDICT, content=_png_header(50_000, 50_000))
        assert answer.status_code == 422
        assert answer.json() == {"error": "the body: the image has more than 25,000,000 pixels"}
    assert server.peak_bytes() - before < 64 << 20
    assert _alive(server)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),  # somebody speaks TLS
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
        b"Content-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
    ids=[
        *("TLS", "words", "no host", "two hosts", "negative length"),
        *("two lengths", "broken chunk"),
    ],
)
def test_what_is_no_request_is_400_and_the_end(server: Running, sent: bytes) -> None:
    answer = server.raw(sent)
    assert status_of(answer) == 400
    lines, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in lines
    assert b"connection: close" in lines
    assert json.loads(body) == {"error": "this is no HTTP request that can be read"}
    assert _alive(server)


def test_words_in_the_midst_of_an_answer_end_the_connection(server: Running) -> None:
    with server.connect() as connection:
        start = head(_PREDICT, None, "Transfer-Encoding: chunked")
        connection.sendall(start + b"%x\r\n" % (MOST_BYTES + 1) + bytes(MOST_BYTES + 1) + b"\r\n")
        answer = connection.recv(1 << 16)  # and now the server waits for the rest of the body
        connection.sendall(b"no chunk\r\n")
        answer += read_all(connection)
    assert (answer.count(b"HTTP/1.1 "), status_of(answer)) == (1, 413)
    assert _alive(server)


def test_what_libraries_say_of_a_request_is_not_in_the_log(server: Running) -> None:
    form = {"content-type": "multipart/form-data; boundary=b"}
    assert server.ask("POST", _PREDICT, content=b"--other", headers=form).status_code == 400
    assert server.raw(b"hello\r\n\r\n")
    time.sleep(0.3)  # the log is written a little later
    assert "boundary" not in server.log.read_text()


@pytest.mark.parametrize(
    "bomb",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\n",
    ],
    ids=["path", "query", "many", "long"],
)
def test_a_head_that_is_too_long_is_refused_whole_or_in_pieces(
    server: Running, bomb: bytes
) -> None:
    assert status_of(server.raw(bomb)) in (400, 431)
    with server.connect() as connection:
        for at in range(0, 20_000, 5_000):
            connection.sendall(bomb[at : at + 5_000])
            time.sleep(0.01)
        assert status_of(read_all(connection)) == 400
    assert _alive(server)


def test_another_version_of_http_is_505(server: Running) -> None:
    assert status_of(server.raw(b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n")) == 505
    assert status_of(server.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) == 505


def test_http_1_0_is_answered(server: Running) -> None:
    image = numbered_png(77)
    sent = f"POST {_PREDICT} HTTP/1.0\r\nContent-Length: {len(image)}\r\n\r\n".encode() + image
    answer = server.raw(sent)
    assert status_of(answer) == 200
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["images"][0]["class"] == "77"


def test_requests_sent_in_one_go_are_answered_in_order(server: Running) -> None:
    images = [numbered_png(number) for number in (1, 2, 3)]
    sent = b"".join(head(_PREDICT, len(image)) + image for image in images)
    answer = server.raw(sent + head("/healthz", None, "Connection: close", method="GET"))
    found = [json.loads(part.splitlines()[0]) for part in answer.split(b"\r\n\r\n")[1:4]]
    assert [each["images"][0]["class"] for each in found] == ["1", "2", "3"]


def test_head_says_what_get_does_without_the_body(server: Running) -> None:
    for path in ("/healthz", "/readyz", "/v1/model", "/metrics", "/docs", "/openapi.json"):
        got, told = server.ask("GET", path), server.ask("HEAD", path)
        assert (got.status_code, told.status_code, told.content) == (200, 200, b"")
        assert told.headers["content-type"] == got.headers["content-type"]


def test_other_methods_are_told_what_is_allowed(server: Running) -> None:
    options = server.ask("OPTIONS", _PREDICT)
    assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
    assert "access-control-allow-origin" not in options.headers
    assert server.ask("OPTIONS", "/nowhere").status_code == 404
    for method in ("GET", "PUT", "DELETE", "PATCH", "TRACE", "BREW"):
        refused = server.ask(method, _PREDICT)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert server.ask("HEAD", "/nowhere").status_code == 404


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/healthz/", "/v1/"]
)
def test_there_is_nothing_but_the_paths_that_there_are(server: Running, path: str) -> None:
    sent = head(path, None, "Connection: close", method="GET")
    assert status_of(server.raw(sent)) == 404
