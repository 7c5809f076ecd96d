"""Reading what Python pickled, without doing what the pickle says.

A pickle is a program for a small stack machine that may import and call anything. The machine
here knows only what batches of images need: numbers, text, bytes, lists, tuples, dictionaries and
NumPy's arrays, in protocols 0 to 5 of Python 2 and 3. The few names that such batches mention are
markers: they are never imported, never called. Everything else is refused by name.

Memory stays within a small multiple of the file's size: every length is checked against the
bytes that are there, the number of operations is bounded, arrays share the bytes that they are
made of, and nothing is walked, compared or hashed whose size references could have multiplied.
"""

from __future__ import annotations

from cnnlab.data.pickle_machine import Machine
from cnnlab.data.pickled_arrays import Array, Refused
from cnnlab.errors import DataError

__all__ = ["LIMIT_BYTES", "read_pickle"]

#: The largest file that is read: 50,000 images in the wasteful protocol 0 of Python 2.
LIMIT_BYTES = 500_000_000


def read_pickle(contents: bytes, where: object) -> dict[str, object]:
    """Return the dictionary that was pickled; its keys are text.

    The values are what the pickle holds: None, bool, int, str, bytes (Python 2's str too), list,
    tuple, dict, and for arrays of whole numbers read-only NumPy arrays.

    Raises
    ------
    DataError: the pickle is cut off, is no dictionary, is too large, or asks for anything that a
        batch of images does not need; names the file, the position and the operation or name.
    """
    if len(contents) > LIMIT_BYTES:
        raise DataError(
            f"a pickle of {len(contents):,} bytes", where=where, expected=f"at most {LIMIT_BYTES:,}"
        )
    machine = Machine(contents)
    try:
        top = machine.run()
        if not isinstance(top, dict):
            raise Refused("the pickle does not hold a dictionary")
        return {_text(key): _plain(value) for key, value in top.items()}
    except Refused as reason:
        raise DataError(
            f"{reason}: refused, nothing of it was run",
            where=f"{where} (byte {machine.began})",
            expected="a batch of images: a dictionary of arrays, lists and text",
            todo="get the file from its publisher",
        ) from None


def _text(key: str | bytes) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else key


def _plain(value: object) -> object:
    if not isinstance(value, Array):
        return value
    if value.value is None:
        raise Refused("the pickle has an array without values")
    return value.value
