import io
import os
import pickle
import pickletools
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from cnnlab.data import pickles
from cnnlab.data.pickles import read_pickle
from cnnlab.errors import DataError

RNG = np.random.default_rng(7)
PIXELS = RNG.integers(0, 256, (20, 3072), dtype=np.uint8)
LABELS = [int(label) for label in RNG.integers(0, 10, 20)]
NAMES = [f"image_{index}_ü.png" for index in range(20)]


def batch() -> dict[Any, Any]:
    return {"data": PIXELS, "labels": LABELS, "batch_label": "training batch 1", "names": NAMES}


def check(read: dict[str, object]) -> None:
    data = read["data"]
    assert isinstance(data, np.ndarray)
    assert data.dtype == np.uint8
    np.testing.assert_array_equal(data, PIXELS)
    assert read["labels"] == LABELS


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_case_04_batches_of_every_protocol_and_numpy_load(protocol: int, core: str) -> None:
    contents = pickle.dumps(batch(), protocol)
    here = b"numpy._core" if b"numpy._core" in contents else b"numpy.core"
    if protocol >= 4:
        contents = rename_short_text(contents, here, core.encode())
    else:
        contents = contents.replace(here, core.encode())
    check(read_pickle(contents, "x"))
    assert read_pickle(contents, "x")["names"] == NAMES


def rename_short_text(contents: bytes, old: bytes, new: bytes) -> bytes:
    """Rename within SHORT_BINUNICODE, whose length stands before it."""
    for module in (b".multiarray", b".numeric"):
        before, after = old + module, new + module
        contents = contents.replace(
            b"\x8c" + bytes([len(before)]) + before, b"\x8c" + bytes([len(after)]) + after
        )
    return contents


@pytest.mark.parametrize("protocol", range(6))
def test_case_04_byte_keys_fortran_order_and_numpy_numbers_load(protocol: int) -> None:
    written = {
        b"data": np.asfortranarray(PIXELS),
        b"labels": [np.int64(label) for label in LABELS],
        b"more": np.array(LABELS, dtype=">i4")[::2],
        b"empty": b"",
    }
    read = read_pickle(pickle.dumps(written, protocol), "x")
    check(read)
    more = read["more"]
    assert isinstance(more, np.ndarray)
    np.testing.assert_array_equal(more, LABELS[::2])
    assert read["empty"] == b""


class Python2Pickler(pickle._Pickler):
    """Writes text as Python 2 did: ``str`` was bytes, in opcodes of its own."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, text: bytes) -> None:
        if self.proto == 0:
            self.write(b"S" + repr(text)[1:].encode() + b"\n")
        elif len(text) < 256:
            self.write(b"U" + bytes([len(text)]) + text)
        else:
            self.write(b"T" + struct.pack("<i", len(text)) + text)
        self.memoize(text)

    def save_text(self, text: str) -> None:
        self.save_bytes(text.encode())

    dispatch[bytes] = save_bytes
    dispatch[str] = save_text


@pytest.mark.parametrize("protocol", range(3))
def test_case_04_batches_of_python_2_load(protocol: int) -> None:
    """The official batches are of this kind: protocol 2, written by Python 2."""
    stream = io.BytesIO()
    Python2Pickler(stream, protocol).dump({"data": PIXELS, "labels": LABELS})
    contents = stream.getvalue().replace(b"numpy._core", b"numpy.core")
    names = {opcode.name for opcode, _, _ in pickletools.genops(contents)} if protocol else set()
    assert not names & {"BINUNICODE", "BINBYTES", "SHORT_BINBYTES"}
    check(read_pickle(contents, "x"))


def test_what_is_read_equals_what_pickle_itself_reads() -> None:
    values = {"a": None, "b": True, "c": -5, "d": (1, 2), "e": [b"x", "y"], "f": {"g": ()}}
    for protocol in range(6):
        assert read_pickle(pickle.dumps(values, protocol), "x") == values


@given(
    st_numpy.arrays(
        st.sampled_from(["u1", "<i8", ">u4", "i2"]), st_numpy.array_shapes(max_dims=3, max_side=5)
    ),
    st.integers(0, 5),
    st.integers(-(2**62), 2**62),
    st.text(st.characters(exclude_categories=("Cs",))),
    st.binary(max_size=300),
)
def test_any_array_number_and_text_comes_back(
    array: np.ndarray, protocol: int, number: int, text: str, raw: bytes
) -> None:
    written = {"array": array, "number": number, "text": text, "raw": raw}
    read = read_pickle(pickle.dumps(written, protocol), "x")
    np.testing.assert_array_equal(read.pop("array"), written.pop("array"))
    assert read == written


class Command:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.marker}'",)


@pytest.mark.parametrize("protocol", range(6))
def test_case_03_a_pickle_that_runs_a_command_is_refused(protocol: int, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    contents = pickle.dumps({"data": PIXELS, "labels": Command(marker)}, protocol)
    with pytest.raises(DataError, match=r"posix\.system.*refused, nothing of it was run") as caught:
        read_pickle(contents, tmp_path / "data_batch_1")
    assert str(tmp_path / "data_batch_1") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not marker.exists()
    pickle.loads(contents)
    assert marker.exists(), "the pickle is one that would have run it"


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        (b"cbuiltins\neval\n(V1\ntR.", r"builtins\.eval"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93.", r"builtins\.exec"),
        (b"(S'x'\nios\nsystem\n.", "operation INST"),
        (b"(cnumpy\nndarray\no.", "operation OBJ"),
        (b"cnumpy\nndarray\n)\x81.", "operation NEWOBJ"),
        (b"cnumpy\nndarray\n)}\x92.", "operation NEWOBJ_EX"),
        (b"Pid\n.", "operation PERSID"),
        (b"]Q.", "operation BINPERSID"),
        (b"\x82\x01.", "operation EXT1"),
        (b"\x97.", "operation NEXT_BUFFER"),
        (b"]2.", "operation DUP"),
        (b"\xff.", "operation 0xff"),
        (b"\x80\x06}.", "protocol 6"),
        (b"}cnumpy\nndarray\nb.", "gives a state"),
        (b"cnumpy\nndarray\n(K\x01tR.", "calls for something else"),
        (b"c_codecs\nencode\n(Vx\nVutf-16\ntR.", "calls for something else"),
        (b"cnumpy\ndtype\n(VO8\nI00\nI01\ntR.", "values of type 'O8'"),
        (b"cnumpy\ndtype\n(Vu1,u1\nI00\nI01\ntR.", "values of type 'u1,u1'"),
        (b"]K\x01\x93.", "name that is no text"),
        (b"}(]]u.", "key that is no text"),
        (b"}K\x01a.", "no list"),
        (b"](K\x01K\x01u.", "no dictionary"),
        (b"a.", "empty stack"),
        (b"q\x00.", "empty stack"),
        (b"e.", "no mark"),
        (b"h\x07.", "recalls object 7"),
        (b"].", "does not hold a dictionary"),
        (b"}.}", "bytes after"),
        (b"S'\\x0'\n.", "broken escape"),
        (b"S'\\q'\n.", "broken escape"),
        (b"Sx\n.", "without quotes"),
        (b"I1x\n.", "number that is none"),
        (b"\x8c\x01\xff.", "not utf-8"),
        (
            b"}(Vdata\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tVb\ntRu.",
            "without values",
        ),
    ],
)
def test_case_03_everything_else_is_refused_by_name(contents: bytes, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint) as caught:
        read_pickle(contents, "the-file")
    assert "the-file" in str(caught.value)


def array_of_shape(*sizes: int) -> bytes:
    """A pickled array of four bytes whose shape is replaced."""
    contents = pickle.dumps({"data": np.zeros(4, dtype=np.uint8)}, 2)
    assert contents.count(b"K\x04\x85") == 1
    numbers = b"".join(b"J" + struct.pack("<i", size) for size in sizes)
    return contents.replace(b"K\x04\x85", b"(" + numbers + b"t")


GREEDY = {
    "BINBYTES8 that lies": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
    "BYTEARRAY8 that lies": b"\x80\x05\x96" + struct.pack("<Q", (1 << 63) - 1) + b".",
    "BINUNICODE8 that lies": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 63) + b"x.",
    "BINBYTES that lies": b"\x80\x03B\xff\xff\xff\xffx.",
    "BINSTRING of negative length": b"T\xff\xff\xff\xff.",
    "LONG4": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "LONG1 of 255 bytes": b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b".",
    "LONG of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "an array of 2**62 bytes": array_of_shape(1 << 30, 1 << 30, 4),
    "an array of negative size": array_of_shape(-4),
    "the same text as bytes, again and again": (
        b"c_codecs\nencode\n\x94V"
        + b"x" * 1_000_000
        + b"\n\x94Vlatin1\n\x94"
        + b"h\x00h\x01h\x02\x86R" * 10_000
        + b"."
    ),
}


@pytest.mark.parametrize("contents", GREEDY.values(), ids=GREEDY.keys())
def test_case_03_a_pickle_that_asks_for_gigabytes_is_refused(contents: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="refused"):
            read_pickle(contents, "x")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20_000_000


@pytest.mark.parametrize("operations", [b"\x94", b"]", b"("], ids=["memo", "stack", "marks"])
def test_case_03_a_pickle_of_too_many_operations_is_refused(operations: bytes) -> None:
    with pytest.raises(DataError, match="more than 1,000,000 operations"):
        read_pickle(b"]" + operations * 1_000_001 + b".", "x")


def test_case_03_lists_of_lists_of_lists_stay_small() -> None:
    """Ten references to ten references to ...: harmless where nobody walks through them."""
    levels = b"".join(b"](" + 10 * (b"h" + bytes([level])) + b"e\x94" for level in range(100))
    tracemalloc.start()
    try:
        read = read_pickle(b"\x80\x04}Vlabels\n]\x94" + levels + b"s.", "x")
    except DataError:
        read = {}
    finally:
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 5_000_000
    assert len(read) <= 1


def test_case_03_nested_tuples_are_never_hashed_compared_or_shown() -> None:
    """Each tuple holds the one before twice: sixty of them would take for ever."""
    tuples = b")\x94" + b"".join(2 * (b"h" + bytes([n])) + b"\x86\x94" for n in range(60))
    last = b"h\x3c"
    uses = {
        "key that is no text": b"}" + last + b"Ns.",
        "name that is no text": last + last + b"\x93.",
        "calls for something else": b"cnumpy\ndtype\n" + last + b"R.",
        "gives a state": last + last + b"b.",
        "no list": last + last + b"a.",
    }
    for complaint, use in uses.items():
        with pytest.raises(DataError, match=complaint):
            read_pickle(tuples + use, "x")


def test_deep_nesting_neither_recurses_nor_crashes() -> None:
    deep = b"\x80\x02}Vlabels\n" + b"]" * 50_000 + b"a" * 49_999 + b"s."
    assert set(read_pickle(deep, "x")) == {"labels"}


def test_case_01_every_cut_of_a_small_pickle_is_an_error() -> None:
    for protocol in (0, 2, 5):
        whole = pickle.dumps({"data": PIXELS[:2, :8].copy(), "labels": LABELS[:2]}, protocol)
        for length in range(len(whole)):
            with pytest.raises(DataError):
                read_pickle(whole[:length], "x")


def result_of(contents: bytes) -> dict[str, object] | str:
    """What comes back, or our own complaint; any other exception fails the test."""
    try:
        return read_pickle(contents, "x")
    except DataError as error:
        return str(error)


@given(st.binary(max_size=60))
def test_noise_is_a_dictionary_or_an_error_of_ours(noise: bytes) -> None:
    result = result_of(noise)
    assert isinstance(result, dict) or "\n" not in result


@given(st.integers(0, 5), st.floats(0, 1, exclude_max=True), st.integers(0, 255))
def test_a_changed_byte_is_no_other_error(protocol: int, where: float, value: int) -> None:
    small = {"data": PIXELS[:2, :8].copy(), "labels": LABELS[:2]}
    contents = bytearray(pickle.dumps(small, protocol))
    contents[int(where * len(contents))] = value
    result = result_of(bytes(contents))
    assert isinstance(result, dict) or "\n" not in result


def test_too_large_a_pickle_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "LIMIT_BYTES", 10)
    with pytest.raises(DataError, match="at most 10"):
        read_pickle(pickle.dumps({"a": "long enough"}), "x")
