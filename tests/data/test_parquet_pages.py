"""Pages are held against the footer, whose own reader takes all that pyarrow writes."""

from __future__ import annotations

import io
from contextlib import suppress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from cnnlab.data.forms.parquet_pages import DamagedPage, check_pages


def _written(values: list[bytes], **options: object) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"image": values}), stream, **options)
    return stream.getvalue()


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=9), st.booleans(), st.data())
def test_the_pages_of_sound_columns_are_taken(
    values: list[bytes], dictionary: bool, data: st.DataObject
) -> None:
    codec = data.draw(st.sampled_from(["none", "snappy", "zstd", "gzip"]))
    version = data.draw(st.sampled_from(["1.0", "2.0"]))
    content = _written(
        values,
        compression=codec,
        use_dictionary=dictionary,
        data_page_version=version,
        row_group_size=3,
        write_page_checksum=data.draw(st.booleans()),
        write_page_index=data.draw(st.booleans()),
    )
    check_pages(content, "image")


def test_a_page_that_declares_gigabytes_is_refused() -> None:
    content = bytearray(_written([b"abc", b"def"], use_dictionary=False))
    at = pq.read_metadata(io.BytesIO(content)).row_group(0).column(0).data_page_offset
    assert content[at : at + 3] == b"\x15\x00\x15"  # field 1 is 0, a data page; then field 2
    content[at + 3 : at + 8] = b"\xff\xff\xff\xff\x07"  # its size unpacked, 2^30
    with pytest.raises(DamagedPage, match=r"declares|damaged"):
        check_pages(bytes(content), "image")


@given(st.data())
def test_no_damage_is_anything_but_a_damaged_page(data: st.DataObject) -> None:
    content = bytearray(_written([b"abc", b"def", b"abc"]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    with suppress(DamagedPage):
        check_pages(bytes(content), "image")
