"""Who comes in: hosts, origins, keys; and what every answer carries."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from in_process import Served
from running import numbered_png

from cnnlab.errors import ConfigError, InputError
from cnnlab.serving.hosts import HostList
from cnnlab.serving.refusal import Refusal
from cnnlab.serving.settings import ServeSettings, read_api_key

_KEY = "0123456789abcdef"
_PATHS = ("/v1/model", "/metrics", "/docs", "/openapi.json", "/nowhere")


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST.", "127.0.0.1:1", "10.1.2.3", "[::1]:8000",
     "models.example", "Models.Example:8000"],
)  # fmt: skip
def test_names_on_the_list_and_addresses_are_served(host: str) -> None:
    served = Served(allow_hosts=("models.example",))
    assert served.ask("GET", "/v1/model", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:8000", "127.0.0.1.evil.example",
     "models.example.evil", "user@localhost", "localhost/x", "localhost:port", "", "[::1", "a b",
     "xmodels.example", "localhost#x"],
)  # fmt: skip
def test_every_other_name_is_421(host: str) -> None:
    served = Served(allow_hosts=("models.example",))
    for path in ("/healthz", "/v1/model", "/nowhere"):
        assert served.ask("GET", path, headers={"host": host}).status_code == 421
    assert served.ask("OPTIONS", "/v1/predict", headers={"host": host}).status_code == 421


def test_a_star_lets_every_name_in() -> None:
    hosts = HostList("0.0.0.0", ["*"])
    hosts.check({b"host": b"anything.example"})
    hosts.check({})  # HTTP/1.0 has no Host; no page in a browser speaks it
    with pytest.raises(Refusal):
        HostList("0.0.0.0", []).check({b"host": b"anything.example"})
    HostList("server.lan", []).check({b"host": b"server.lan:8000"})


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:3000", 200), ("http://127.0.0.1", 200), ("https://evil.example", 403),
     ("http://203.0.113.7", 403), ("http://192.168.1.1:8000", 403), ("null", 403),
     ("file://", 403)],
)  # fmt: skip
def test_pages_of_other_sites_may_not_ask(origin: str, status: int) -> None:
    answer = Served().ask(
        "POST", "/v1/predict", content=numbered_png(0), headers={"origin": origin}
    )
    assert answer.status_code == status
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_key_is_asked_for_everywhere_but_for_probes() -> None:
    served = Served(api_key=_KEY.encode())
    for path in _PATHS:
        refused = served.ask("GET", path)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert served.ask("POST", "/v1/predict", content=numbered_png(0)).status_code == 401
    for path in ("/healthz", "/readyz"):
        assert served.ask("GET", path).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": f"Bearer {_KEY}"}, 200),
        ({"authorization": f"bearer  {_KEY}"}, 200),
        ({"x-api-key": _KEY}, 200),
        ({"authorization": f"Basic {_KEY}"}, 401),
        ({"authorization": _KEY}, 401),
        ({"authorization": f"Bearer {_KEY}0"}, 401),
        ({"authorization": f"Bearer {_KEY[:-1]}"}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"x-api-key": ""}, 401),
        ({"x-api-key": "ключ".encode().decode("latin-1")}, 401),
    ],
)
def test_only_the_key_opens(headers: dict[str, str], status: int) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    assert Served(api_key=_KEY.encode()).ask("GET", "/v1/model", headers=raw).status_code == status


def test_the_key_is_shown_nowhere() -> None:
    served = Served(api_key=_KEY.encode())
    served.ask("GET", f"/v1/model?key={_KEY}", headers={"authorization": f"Bearer {_KEY}"})
    assert _KEY not in served.written()
    assert _KEY not in repr(served.door.settings)


def test_a_key_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"  {_KEY}\n")
    assert read_api_key(file, {"CNNLAB_API_KEY": "another"}) == _KEY.encode()
    assert read_api_key(None, {"CNNLAB_API_KEY": _KEY}) == _KEY.encode()
    assert read_api_key(None, {}) is None
    for bad in ("", "short", "with space 0123456789", "0123456789abcdéf", "x" * 20 + "\ny"):
        file.write_text(bad, encoding="utf-8")
        with pytest.raises(InputError, match="no usable API key"):
            read_api_key(file, {})
    with pytest.raises(InputError, match="No such file"):
        read_api_key(tmp_path / "none", {})


def test_every_answer_has_its_headers() -> None:
    served = Served(max_body_bytes=10)
    answers = [served.ask("GET", path) for path in (*_PATHS, "/healthz")]
    answers += [served.ask("POST", "/v1/predict", content=bytes(11)), served.ask("PUT", "/docs")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "server" not in answer.headers


def test_a_request_is_one_line_of_the_log() -> None:
    served = Served()
    served.ask("GET", "/healthz?secret=1")
    served.ask("GET", "/%1b[31m%0aevil")
    lines = served.written().splitlines()
    assert [line.split('"')[1] for line in lines] == ["GET /healthz", "GET /%1b[31m%0aevil"]
    assert [line.split('"')[2].split()[0] for line in lines] == ["200", "404"]
    quiet = Served(quiet=True)
    quiet.ask("GET", "/healthz")
    assert quiet.written() == ""


def test_a_bug_is_500_and_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(files: object) -> None:
        raise KeyError("no\nsuch")

    served = Served()
    monkeypatch.setattr(served.predictor, "predict", fail)
    answer = served.ask("POST", "/v1/predict", content=numbered_png(0))
    assert answer.status_code == 500
    assert "such" not in answer.text
    assert answer.json() == {"error": "the server failed over this request"}
    first, _ = served.written().splitlines()
    assert first.startswith("cnnlab: unexpected KeyError: ")


def test_bodies_have_a_common_budget() -> None:
    served = Served(max_body_bytes=1000, max_buffered_bytes=1000)
    served.door.buffered_bytes = 900
    image = numbered_png(0) + bytes(200)
    answer = served.ask("POST", "/v1/predict", content=image)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert served.door.buffered_bytes == 900
    served.door.buffered_bytes = 0
    assert served.ask("POST", "/v1/predict", content=image).status_code == 200
    assert served.door.buffered_bytes == 0


def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    served = Served()
    messages = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent = []

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    async def send(message: object) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/predict",
        "raw_path": b"/v1/predict", "query_string": b"", "headers": [(b"content-length", b"8")],
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(served.door(scope, receive, send))
    assert served.door.buffered_bytes == 0
    assert '" 499 4 B' in served.written()


@pytest.mark.parametrize(
    "wrong",
    [{"port": -1}, {"port": 65536}, {"queue": 0}, {"max_body_bytes": -5}, {"body_seconds": 0.0},
     {"header_seconds": float("nan")}, {"max_files": 300, "queue": 200}],
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        ServeSettings(**wrong)
