"""Multipart bodies, as clients write them and as they should not be."""

from __future__ import annotations

import contextlib
import time

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnlab.serving.refusal import Refusal
from cnnlab.serving.uploads import read_uploads

_NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf", "Co", "Cn")),
    min_size=1, max_size=30,
).filter(lambda name: '"' not in name and "\\" not in name and name.isprintable())  # fmt: skip


@given(st.lists(st.tuples(_NAMES, st.binary(max_size=200)), min_size=1, max_size=6))
def test_files_arrive_as_httpx_sends_them(files: list[tuple[str, bytes]]) -> None:
    request = httpx.Request("POST", "http://x", files=[("image", each) for each in files])
    uploads = read_uploads(request.headers["content-type"], request.read(), 10)
    assert [(each.name, each.data) for each in uploads] == files


def _form(parts: list[bytes]) -> bytes:
    body = b"".join(
        b'--b-b\r\nContent-Disposition: form-data; name="i"; filename="%d"\r\n\r\n%s\r\n'
        % (at, part)
        for at, part in enumerate(parts)
    )
    return body + b"--b-b--\r\n"


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"\r\n--b-", b"\r\n\r\n", b"-", b"\r\n--"]),
        min_size=1,
        max_size=5,
    )
)
def test_parts_of_any_bytes_are_kept_as_they_are(parts: list[bytes]) -> None:
    parts = [part for part in parts if b"\r\n--b-b" not in b"\r\n" + part] or [b"x"]
    uploads = read_uploads("multipart/form-data; boundary=b-b", _form(parts), 10)
    assert [each.data for each in uploads] == parts


@settings(max_examples=200)
@given(
    st.binary(max_size=300), st.sampled_from(["", "; boundary=b", '; boundary="b"', "; boundary="])
)
def test_any_bytes_are_files_or_a_refusal(body: bytes, boundary: str) -> None:
    for start in (b"", b'--b\r\nContent-Disposition: form-data; name="i"; filename="x"\r\n\r\n'):
        with contextlib.suppress(Refusal):
            assert read_uploads(f"multipart/form-data{boundary}", start + body, 3)


def test_a_field_without_a_file_is_passed_over() -> None:
    body = _form([b"x"])[:-9] + (
        b'--b-b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--b-b--\r\n'
    )
    (upload,) = read_uploads("multipart/form-data; boundary=b-b", body, 1)
    assert (upload.name, upload.data, upload.where) == ("0", b"x", "file 1 ('0')")


def test_the_number_of_files_is_bounded() -> None:
    assert len(read_uploads("multipart/form-data; boundary=b-b", _form([b"x"] * 3), 3)) == 3
    with pytest.raises(Refusal) as caught:
        read_uploads("multipart/form-data; boundary=b-b", _form([b"x"] * 4), 3)
    assert caught.value.status == 413


def test_the_number_of_parts_is_bounded_so_that_nobody_waits_for_millions() -> None:
    for fields, status in ((1000, None), (1001, 413), (2_000_000, 413)):
        body = b"--b-b\r\n\r\n\r\n" * fields + _form([b"x"])
        begin = time.perf_counter()
        if status is None:
            assert len(read_uploads("multipart/form-data; boundary=b-b", body, 1)) == 1
        else:
            with pytest.raises(Refusal) as caught:
                read_uploads("multipart/form-data; boundary=b-b", body, 1)
            assert caught.value.status == status
        assert time.perf_counter() - begin < 1
