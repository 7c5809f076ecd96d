"""What stands for calls in the pickles of NumPy's arrays, done by hand and checked.

``REDUCE`` calls a name with a tuple, ``BUILD`` hands a state to an object. Here both look at what
they were given and make the array, number or bytes that is meant; nothing is imported or called.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

__all__ = ["GLOBALS", "Array", "Global", "Refused", "build", "reduce"]


class Refused(Exception):
    """Why a pickle is not gone on with."""


class Global(Enum):
    """The names that are understood, by what they stand for."""

    RECONSTRUCT = "an empty array, which BUILD fills"
    FROM_BUFFER = "an array over bytes"
    SCALAR = "one of NumPy's numbers"
    ARRAY = "the type of arrays"
    TYPE = "the type of an array's values"
    ENCODE = "bytes that were written as text"
    BYTES = "no bytes"


#: Where the names lie: in Python 2 and 3, before and since NumPy 2.
GLOBALS = {
    **{
        (f"numpy.{core}.{module}", name): meaning
        for core in ("core", "_core")
        for module, name, meaning in (
            ("multiarray", "_reconstruct", Global.RECONSTRUCT),
            ("multiarray", "scalar", Global.SCALAR),
            ("numeric", "_frombuffer", Global.FROM_BUFFER),
        )
    },
    ("numpy", "ndarray"): Global.ARRAY,
    ("numpy", "dtype"): Global.TYPE,
    ("_codecs", "encode"): Global.ENCODE,
    ("__builtin__", "bytes"): Global.BYTES,
    ("builtins", "bytes"): Global.BYTES,
}

_CODES = frozenset(kind + width for kind in "iu" for width in "1248")
_ORDERS = frozenset("|<>=")


@dataclass
class Type:
    """The type of an array's values: kind and width; ``BUILD`` gives the order of bytes."""

    code: str
    order: str = "="

    def numpy(self) -> np.dtype[np.generic]:
        """Return NumPy's name for it."""
        return np.dtype(self.order + self.code)


@dataclass
class Array:
    """An array that ``BUILD`` has filled, or has not yet."""

    value: NDArray[np.generic] | None = None


def reduce(function: object, arguments: object) -> object:
    """Return what calling ``function`` with a tuple of arguments means, or raise Refused."""
    if not isinstance(arguments, tuple):
        raise Refused("the pickle calls with what is no tuple")
    match function, arguments:
        case Global.RECONSTRUCT, (Global.ARRAY, (0,), _):
            return Array()
        case Global.FROM_BUFFER, (bytes() as raw, Type() as kind, tuple() as shape, "C" | "F" as o):
            return Array(_array(raw, kind, shape, fortran=o == "F"))
        case Global.SCALAR, (Type() as kind, bytes() as raw):
            return int(_array(raw, kind, (), fortran=False))
        case Global.TYPE, (str() | bytes() as code, *_):
            return Type(_known(code, _CODES, "values of type"))
        case Global.ENCODE, (str() as text, "latin1" | "latin-1"):
            return _encoded(text)
        case Global.BYTES, ():
            return b""
    raise Refused("the pickle calls for something else than an array")


def build(target: object, state: object) -> None:
    """Hand ``state`` to an array or a type, or raise Refused."""
    match target, state:
        case Array(value=None), (0 | 1, tuple() as shape, Type() as kind, fortran, bytes() as raw):
            target.value = _array(raw, kind, shape, fortran=fortran in (1, True))
        case Type(), (3, str() | bytes() as order, None, None, None, int(), int(), 0):
            target.order = _known(order, _ORDERS, "bytes in the order")
        case _:
            raise Refused("the pickle gives a state to something else than an array")


def _known(text: str | bytes, allowed: frozenset[str], what: str) -> str:
    """``text`` as str, Python 2's included, where it is one of ``allowed``."""
    name = text.decode("latin-1") if isinstance(text, bytes) else text
    if name not in allowed:
        raise Refused(f"the pickle has {what} {name[:20]!r}")
    return name


def _encoded(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise Refused("the pickle has bytes beyond 255") from None


def _array(
    raw: bytes, kind: Type, shape: Sequence[object], *, fortran: bool
) -> NDArray[np.generic]:
    """A read-only array over ``raw``; the shape must fit it exactly, so nothing is allocated."""
    sizes = [size for size in shape if isinstance(size, int) and size >= 0]
    if len(sizes) != len(shape) or len(sizes) > 4:
        raise Refused("the pickle has an array of no shape")
    kind_bytes = kind.numpy().itemsize
    if math.prod(sizes) * kind_bytes != len(raw):
        raise Refused(f"the pickle has {len(raw):,} bytes for an array of shape {sizes}")
    flat = np.frombuffer(raw, dtype=kind.numpy())
    return flat.reshape(sizes, order="F" if fortran else "C")
