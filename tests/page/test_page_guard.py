"""What other web sites, foreign names, odd addresses and large bodies get: nothing."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from page_runs import Visitor

from cnnlab.page import PageSettings, create_app
from cnnlab.page.guard import MAX_BODY_BYTES, is_loopback

TRAVERSALS = (
    "..",
    "../first",
    "../../etc/passwd",
    "....//first",
    "/etc/passwd",
    "first/../first",
    "first/config.yaml",
    "first\0",
    ".",
    "%2e%2e",
    "~/first",
    "C:\\first",
)


FORMS = ("/runs/{}", "/runs/{}/report", "/runs/{}/live", "/data/{}", "/data/{}/audit",
         "/images/{}/0.png", "/static/{}", "/compare?run={}&run=first", "/try?run={}")  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_no_path_leads_out_of_the_list_of_runs(look: Visitor, form: str) -> None:
    expected = 200 if form.startswith("/try") else 404
    for name in TRAVERSALS:
        for written in (name, quote(name, safe=""), quote(quote(name, safe=""), safe="")):
            status, page = look.raw(form.format(written))
            assert status == expected, written
            assert "root:x:0" not in page
            assert "schema_version" not in page


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8080", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:8080", 421),
        ("192.168.1.7", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_are_answered(look: Visitor, host: str, status: int) -> None:
    answer = look.get("/", headers={"host": host})
    assert answer.status_code == status
    assert ("cnnlab-token" in answer.text) == (status == 200)


def test_more_names_are_answered_where_they_were_allowed(kept: Path) -> None:
    near = Visitor(create_app(PageSettings(kept, allowed_hosts=("lab.example",))))
    assert near.get("/", headers={"host": "lab.example:8080"}).status_code == 200
    assert near.get("/", headers={"host": "192.168.1.7"}).status_code == 421
    far = Visitor(create_app(PageSettings(kept, host="0.0.0.0")))
    assert far.get("/", headers={"host": "192.168.1.7:8080"}).status_code == 200
    assert far.get("/", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.7", False), ("lab.example", False)],
)  # fmt: skip
def test_what_is_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://localhost:8080"},
        {"origin": "ftp://127.0.0.1:8080"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
    ],
)
@pytest.mark.parametrize("path", ["/runs/first/stop", "/try"])
def test_a_form_of_another_site_is_refused(
    look: Visitor, path: str, headers: dict[str, str]
) -> None:
    body = {"token": look.token, "run": "first"}
    assert look.send("POST", path, headers=headers, data=body).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "é", None])
@pytest.mark.parametrize("path", ["/runs/first/stop", "/try"])
def test_a_form_without_our_token_is_refused(look: Visitor, path: str, token: str | None) -> None:
    body = {"run": "first"} if token is None else {"run": "first", "token": token}
    assert look.post(path, data=body).status_code == 403


def test_two_pages_have_two_tokens(kept: Path) -> None:
    one, other = (Visitor(create_app(PageSettings(kept))) for _ in range(2))
    assert one.token != other.token


def test_every_answer_forbids_what_the_page_does_not_need(look: Visitor) -> None:
    for path in ("/", "/nowhere", "/static/page.js", "/static/page.css", "/runs/first/live"):
        headers = look.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"


def test_no_page_has_scripts_or_styles_inside_nor_anything_from_elsewhere(look: Visitor) -> None:
    for path in ("/", "/runs/first", "/try", "/data", "/compare?run=first&run=second"):
        page = look.get(path).text
        assert not re.search(r"<script(?![^>]*src=\"/static/)", page)
        assert "<style" not in page
        assert not re.search(r"\sstyle=", page)
        assert not re.search(r"\son\w+=\"", re.sub(r"&\w+;[^&]*&\w+;", "", page))
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page)


@pytest.mark.parametrize("declared", ["honest", "none", "lying"])
def test_a_body_of_one_byte_too_many_is_refused(look: Visitor, declared: str) -> None:
    """Case 25: whatever its length is said to be, no more than the limit is read."""
    sent = 0

    async def body():
        nonlocal sent
        head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\n\r\n'
        yield head
        sent += len(head)
        while sent <= MAX_BODY_BYTES + (8 << 20):
            chunk = bytes(1 << 20)
            sent += len(chunk)
            yield chunk

    headers = {"content-type": "multipart/form-data; boundary=b"}
    if declared == "honest":
        headers["content-length"] = str(MAX_BODY_BYTES + 1)
    elif declared == "lying":
        headers["content-length"] = "1000"
    answer = look.post("/try", headers=headers, content=body())
    assert answer.status_code == 413
    assert sent <= MAX_BODY_BYTES + (2 << 20)
    if declared == "honest":
        assert sent == 0


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "²"])
def test_a_length_that_is_none_is_refused(look: Visitor, length: str) -> None:
    answer = look.post("/try", headers={"content-length": length.encode("latin-1")}, content=b"")
    assert answer.status_code == 413
