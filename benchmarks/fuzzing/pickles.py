"""Hostile and damaged pickles, and a reader of them that calls NumPy's constructors alone."""

from __future__ import annotations

import io
import pickle
import random
import struct
from typing import Any

from fuzzing.case import NotJudged, Wrong
from fuzzing.mutations import extreme, number_bytes
from fuzzing.trial import CANARY

__all__ = ["hostile", "other_opcode", "unpickled"]


class _Careful(pickle.Unpickler):
    """Python's unpickler that may call NumPy's constructors, and nothing else."""

    _ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer", "encode"})

    def find_class(self, module: str, name: str) -> Any:
        if name in self._ALLOWED and module.split(".")[0] in ("numpy", "_codecs"):
            return super().find_class(module, name)
        if name == "bytes" and module in ("builtins", "__builtin__"):
            return bytes
        raise Wrong(f"it asks for {module}.{name}")


def hostile(rng: random.Random) -> bytes:
    """A pickle that would run a command, take gigabytes, or nest without end."""
    command = f"touch {CANARY}".encode()

    class Command:
        def __reduce__(self) -> tuple[Any, ...]:
            import os

            return os.system, (command.decode(),)

    deep = rng.choice((1_000, 100_000))
    return rng.choice(
        (
            *(pickle.dumps({"data": Command()}, protocol) for protocol in range(6)),
            b"cos\nsystem\n(S'" + command + b"'\ntR.",
            b"(S'" + command + b"'\nios\nsystem\n.",
            b"(cos\nsystem\nS'" + command + b"'\no.",
            b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c"
            + bytes([len(command)])
            + command
            + b"\x85R.",
            b"\x82\x01.",
            b"\x80\x02Ppersistent\n.",
            b"\x80\x05\x97.",
            b"\x80\x02\x8c\x01aQ.",
            b"(" * deep + b".",
            b"]" * deep + b"a" * (deep - 1) + b".",
            b"(" * deep + b"t" * deep + b".",
            b"\x80\x02}q\0" + b"h\0" * 1000 + b".",
            b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
            b"\x8b\xff\xff\xff\x7fx.",
            b"I" + b"9" * 5000 + b"\n.",
            b"L" + b"9" * 20 + b"L\n.",
            b"F1e999\n.",
            b"\x80\xff.",
            b"}(" + b"".join(b"I%d\nN" % n for n in range(50)) + b"u.",
            b"(]" + b"q\0" + b"h\0h\0h\0e" * 300 + b".",
            b"\x80\x02]q\0h\0a.",
            b"}q\0h\0h\0s.",
            b"\x8e" + b"\xff" * 8 + b".",
            b"\x95" + b"\xff" * 8 + b"}.",
        )
    )


def unpickled(data: bytes) -> Any:
    """What a pickle holds; :class:`Wrong` where it asks for more than NumPy's constructors."""
    try:
        return _Careful(io.BytesIO(data), encoding="bytes").load()
    except pickle.UnpicklingError as error:
        if b"\x95" in data[:300] and ("truncated" in str(error) or "frame" in str(error)):
            raise NotJudged("a frame's length, which here nobody needs, is wrong") from None
        raise


def other_opcode(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Put another operation near the beginning or the end, where the pictures' bytes are not."""
    places = [*range(min(300, len(data))), *range(max(0, len(data) - 120), len(data))]
    at = rng.choice(places or [0])
    code = rng.choice(
        b"(.0123FNIJKMLSTUXBC])}aeiosdtubclpgqrhj\x80\x85\x86\x87\x88\x8a\x8c\x93\x94\x95RGQP"
    )
    extra = b"" if rng.random() < 0.6 else number_bytes(extreme(rng), rng.choice((1, 4, 8)))
    fresh = bytes([code]) + extra
    if rng.random() < 0.5:
        return data[:at] + fresh + data[at:], f"operation {code:#x} put in at {at}"
    return data[:at] + fresh + data[at + len(fresh) :], f"operation {code:#x} at {at}"
