"""Zip archives, their headers written by hand; read again with ``zipfile``, with every checksum."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzzing.archive_members import NAMES, plain_members, rows_of
from fuzzing.case import Case, Wrong
from fuzzing.images import SOUND_SHARE
from fuzzing.labelled import Expected, LabelledFamily, base_pixels
from fuzzing.mutations import TEXTS, damage, extreme, mutate
from fuzzing.png import make_png

__all__ = ["ZipFamily"]


@dataclass
class _Member:
    """A zip's member: what its local header and the directory say may be two things."""

    name: bytes
    data: bytes
    method: int = 8
    flags: int = 0
    attributes: int = 0
    crc: int | None = None
    size: int | None = None
    packed: int | None = None
    offset: int | None = None
    local_name: bytes | None = None
    extra: bytes = b""

    def fields(self) -> tuple[bytes, tuple[int, ...]]:
        """The packed bytes; and flags, method, time, date, crc, sizes and lengths."""
        deflate = zlib.compressobj(wbits=-15)
        body = deflate.compress(self.data) + deflate.flush() if self.method == 8 else self.data
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        packed = len(body) if self.packed is None else self.packed
        size = len(self.data) if self.size is None else self.size
        words = (self.flags, self.method, 0, 33, crc, packed, size)
        return body, tuple(word % (1 << width) for word, width in zip(words, _WIDTHS, strict=True))


_WIDTHS = (16, 16, 16, 16, 32, 32, 32)


def _zip(members: Sequence[_Member], *, comment: bytes = b"", count: int | None = None) -> bytes:
    """Write local headers, the directory and its end by hand."""
    out, directory = b"", b""
    for member in members:
        body, words = member.fields()
        local = member.name if member.local_name is None else member.local_name
        at = len(out) if member.offset is None else member.offset % (1 << 32)
        extra = member.extra
        out += b"PK\3\4" + struct.pack("<5H3I2H", 20, *words, len(local), len(extra))
        out += local + extra + body
        directory += b"PK\1\2" + struct.pack(
            "<6H3I5H2I",
            20 | 3 << 8,
            20,
            *words,
            len(member.name),
            len(extra),
            0,
            0,
            0,
            member.attributes % (1 << 32),
            at,
        )
        directory += member.name + extra
    number = (len(members) if count is None else count) % 65536
    end = struct.pack("<4H2IH", 0, 0, number, number, len(directory), len(out), len(comment))
    return out + directory + b"PK\5\6" + end + comment


def _bad_fields(rng: random.Random) -> dict[str, dict[str, Any]]:
    """What the fields of a member may become, by what is wrong then."""
    zip64 = struct.pack("<2Q", extreme(rng) % (1 << 64), extreme(rng) % (1 << 64))
    name = rng.choice((*NAMES, *TEXTS[:20])).encode("utf-8", "surrogatepass")[:60_000]
    extra = rng.choice((rng.randbytes(9), struct.pack("<HH", 0x7075, 5) + b"\1abcd"))
    kinds = (0x21B6, 0x61B6, 0x11B6, 0xC1B6, 0x41ED)
    return {
        "name": {"name": name, "flags": rng.choice((0, 0x800))},
        "local name": {"local_name": rng.choice(NAMES).encode()},
        "crc": {"crc": extreme(rng)},
        "size": {"size": extreme(rng)},
        "packed size": {"packed": extreme(rng)},
        "offset": {"offset": extreme(rng)},
        "method": {"method": rng.choice((0, 1, 9, 12, 14, 93, 95, 99, 8))},
        "flags": {"flags": rng.choice((1, 8, 0x20, 0x40, 0x800, 0x2000, 0xFFFF))},
        "link": {"attributes": 0xA1FF << 16, "data": b"/etc/passwd"},
        "device": {"attributes": rng.choice(kinds) << 16},
        "extra": {"extra": extra},
        "zip64": {
            "size": 0xFFFFFFFF,
            "packed": 0xFFFFFFFF,
            "extra": struct.pack("<HH", 1, rng.choice((16, 8, 3))) + zip64,
        },
    }


def _bad_member(rng: random.Random, members: list[_Member]) -> str:
    """Change one member, or add some."""
    member = rng.choice(members)
    more = {
        "twice": lambda: [_Member(member.name, make_png(base_pixels(9)))],
        "bomb": lambda: [_Member(b"cat/bomb.png", bytes(rng.choice((1, 70, 90)) << 20))],
        "text": lambda: [_Member(b"notes.txt", b"hello")],
        "many": lambda: [_Member(f"cat/m{n}.txt".encode(), b"") for n in range(200)],
    }
    fields = _bad_fields(rng)
    way = rng.choice((*fields, *more))
    if way in more:
        members += more[way]()
    for name, value in fields.get(way, {}).items():
        setattr(member, name, value)
    return way


class ZipFamily(LabelledFamily):
    """A zip, its headers written by hand."""

    name = "zip"

    def case(self, rng: random.Random) -> Case:
        members = [_Member(name.encode(), data) for name, data in plain_members().items()]
        said: tuple[str, ...] = ()
        if rng.random() < 1 - SOUND_SHARE:
            said = tuple(_bad_member(rng, members) for _ in range(rng.choice((1, 1, 2))))
        data = _zip(members)
        if said and rng.random() < 0.3:
            comment, count = (
                rng.choice((b"", b"PK\5\6" + bytes(18), rng.randbytes(30))),
                extreme(rng),
            )
            data = _zip(members, comment=comment, count=rng.choice((None, count)))
            said = (*said, "another end")
        if said and rng.random() < 0.5:
            data, more = mutate(rng, data, damage)
            said = said + more if rng.random() < 0.5 else more
        return Case({"set.zip": data}, "set.zip", said)

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        with zipfile.ZipFile(folder / case.source) as archive:
            members: dict[str, bytes] = {}
            for info in archive.infolist():
                if info.filename in members:
                    raise Wrong(f"{info.filename!r} stands twice")
                if info.filename.startswith("/") or ".." in info.filename.split("/"):
                    raise Wrong(f"{info.filename!r} leads out")
                if info.filename.lower().endswith(".png"):
                    members[info.filename] = archive.read(info)
                elif not info.is_dir():
                    members[info.filename] = b""  # it is no picture: nobody reads it
        return rows_of(members)
