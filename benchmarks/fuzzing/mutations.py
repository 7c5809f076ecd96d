"""Damage that any file can take: bytes flipped, cut, repeated, moved; numbers that lie."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["EXTREMES", "TEXTS", "Mutation", "damage", "extreme", "mutate", "number_bytes"]

#: One change: the bytes that come of it, and what it was in words.
Mutation = Callable[[random.Random, bytes], tuple[bytes, str]]

#: Numbers at which lengths, counts and indices go wrong.
EXTREMES = (
    *(0, 1, -1, 2, 7, 255, 256, 32767, 32768, 65535, 65536),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1),
    *(-(2**31), -(2**63), 10**30),
)
#: Texts that have been something else than text to somebody.
TEXTS = (
    *("", " ", "\0", "\n", "a\nb", "\x1b[31m", "../x", "/etc/passwd", "C:\\x", "a/../../b", "."),
    *("..", "CON", "\ud800", "\u202e", "\u2028", "é", "e\u0301", "日本", "<script>", "=1+1"),
    *("null", "true", "nan", "1e400", "-0", "0x10", "1_000", "~", "!!python/name:os.system", "*a"),
    *("x" * 300, "a" * 70_000),
)


def extreme(rng: random.Random) -> int:
    """A number that somebody did not think of, or one near it."""
    return rng.choice(EXTREMES) + rng.choice((0, 0, 0, 1, -1))


def number_bytes(value: int, size: int, order: str = "little") -> bytes:
    """The lowest ``size`` bytes of a number, whatever its sign."""
    big = order == "big"
    return (value % (1 << (8 * size))).to_bytes(size, "big" if big else "little")


def _place(rng: random.Random, data: bytes) -> int:
    """A place in the data; headers, at the beginning, are hit more often than the rest."""
    if not data:
        return 0
    return rng.randrange(min(len(data), 64)) if rng.random() < 0.4 else rng.randrange(len(data))


def _flip(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    at, bit = _place(rng, data), rng.randrange(8)
    flipped = bytes([data[at] ^ (1 << bit)]) if data else b""
    return data[:at] + flipped + data[at + 1 :], f"bit {bit} of byte {at} flipped"


def _put(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    at, value = _place(rng, data), rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return data[:at] + bytes([value]) + data[at + 1 :], f"byte {at} set to {value}"


def _number(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    at, size = _place(rng, data), rng.choice((2, 4, 8))
    value, order = extreme(rng), rng.choice(("little", "big"))
    lie = number_bytes(value, size, order)
    return data[:at] + lie + data[at + size :], f"{value} in {size} bytes at {at}"


def _cut(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    places = (0, 1, len(data) // 2, len(data) - 1, rng.randrange(len(data) + 1))
    at = max(0, rng.choice(places))
    return data[:at], f"cut at {at} of {len(data)}"


def _extend(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    count = rng.choice((1, 2, 4, 512, 4096))
    tail = rng.choice((bytes(count), data[:count], rng.randbytes(count)))
    return data + tail, f"{len(tail)} bytes more at the end"


def _remove(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    at, count = _place(rng, data), rng.choice((1, 2, 4, 16))
    return data[:at] + data[at + count :], f"{count} bytes at {at} removed"


def _insert(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    at, more = _place(rng, data), rng.randbytes(rng.choice((1, 2, 4, 16)))
    return data[:at] + more + data[at:], f"{len(more)} bytes put in at {at}"


def _repeat(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    at, count = _place(rng, data), rng.choice((1, 8, 64, 512))
    return data[:at] + data[at : at + count] + data[at:], f"{count} bytes at {at} repeated"


def _zero(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    at = _place(rng, data)
    count = min(rng.choice((4, 16, 64, 512)), len(data) - at)
    return data[:at] + bytes(count) + data[at + count :], f"{count} bytes at {at} zeroed"


_DAMAGE: tuple[Mutation, ...] = (
    *(_flip, _flip, _flip, _put, _put, _number, _number),
    *(_cut, _extend, _remove, _insert, _repeat, _zero),
)


def damage(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """One change of bytes that knows nothing of the format."""
    return rng.choice(_DAMAGE)(rng, data)


def mutate(
    rng: random.Random, data: bytes, structural: Mutation, share: float = 0.6
) -> tuple[bytes, tuple[str, ...]]:
    """Change one to three places: a ``share`` of the changes by ``structural``, others blindly."""
    said = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        change = structural if rng.random() < share else damage
        data, what = change(rng, data)
        said.append(what)
    return data, tuple(said)
