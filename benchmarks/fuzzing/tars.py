"""Tar archives, plain and packed; read again by a reader of POSIX.1-1988 (ustar) of our own."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import re
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from fuzzing.archive_members import NAMES, plain_members, rows_of
from fuzzing.case import Case, NotJudged, Wrong
from fuzzing.images import SOUND_SHARE
from fuzzing.labelled import Expected, LabelledFamily
from fuzzing.mutations import TEXTS, damage, extreme, mutate, number_bytes
from fuzzing.trial import CANARY

__all__ = ["TarFamily"]


def _header(rng: random.Random, name: str, size: int) -> bytes:
    """A tar header of which a field may lie; its checksum is put right."""
    field = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT)[:512])
    field[124:136] = b"%011o\0" % size
    at, length = rng.choice(
        (
            (0, 100),
            (100, 8),
            (108, 8),
            (124, 12),
            (136, 12),
            (156, 1),
            (157, 100),
            (257, 8),
            (345, 9),
        )
    )
    number = b"%o" % (extreme(rng) % (1 << 33))
    binary = b"\x80" + number_bytes(extreme(rng), 11, "big")
    value = rng.choice((number, binary, rng.randbytes(length), b"", b"\xff" * length, b"ustar  \0"))
    if at == 156:
        value = rng.choice(b"01234567LKxgSVDMN\0\xff").to_bytes(1, "big")
    elif at in (0, 157, 345):
        value = rng.choice((*NAMES, *TEXTS[:20])).encode("utf-8", "surrogatepass")
    field[at : at + length] = value[:length].ljust(length, b"\0")
    return _summed(bytes(field))


def _summed(header: bytes) -> bytes:
    blank = header[:148] + b" " * 8 + header[156:512]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def _tar(rng: random.Random, way: str) -> bytes:
    """The members in order; ``way`` says what is wrong with one of them."""
    members = plain_members()
    names = list(members)
    wrong = rng.choice(names)
    out = b""
    for name in names:
        data = members[name]
        info = tarfile.TarInfo(name)
        info.size = len(data)
        head = info.tobuf(rng.choice((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT)))
        body = data.ljust(-len(data) // 512 * -512, b"\0")
        if name == wrong and way == "header":
            head = _header(rng, name, len(data))
        elif name == wrong and way == "twice":
            body += head + body
        elif name == wrong and way == "member":
            body += _odd_member(rng)
        out += head + body
    tail = rng.choice((0, 512, 1024, 1024, 9216)) if way == "end" else 1024
    return out + bytes(tail) + (b"x" * 40 if way == "end" and rng.random() < 0.3 else b"")


def _odd_member(rng: random.Random) -> bytes:
    """A member of a kind, or with a name, that a set of images does not have."""
    info = tarfile.TarInfo(rng.choice(NAMES) or "x")
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
    info.type = rng.choice((*kinds, tarfile.REGTYPE, tarfile.GNUTYPE_SPARSE))
    info.linkname = rng.choice(("/etc/passwd", "../..", "cat/1.png", "x" * 150))
    pax = rng.random() < 0.4
    info.pax_headers = (
        {
            rng.choice(
                ("path", "size", "linkpath", "GNU.sparse.major", "GNU.sparse.map", "comment")
            ): rng.choice((f"../{CANARY}", "-1", "99999999999999999999", "1", "0,1,2", "\x00", "é"))
        }
        if pax
        else {}
    )
    kind: Literal[1, 2] = 2 if pax else 1  # PAX_FORMAT, GNU_FORMAT
    return info.tobuf(kind, "utf-8", "surrogateescape")


_PACK: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": lambda data: gzip.compress(data, 1, mtime=0),
    ".tar.xz": lambda data: lzma.compress(data, preset=0),
    ".tar.bz2": lambda data: bz2.compress(data, 1),
}


class TarFamily(LabelledFamily):
    """A tar, plain or compressed."""

    name = "tar"

    def case(self, rng: random.Random) -> Case:
        suffix = rng.choice((".tar", ".tar", *_PACK))
        said: tuple[str, ...] = ()
        if rng.random() < SOUND_SHARE:
            return Case({f"set{suffix}": _PACK[suffix](_tar(rng, ""))}, f"set{suffix}")
        way = rng.choice(("header", "header", "member", "member", "twice", "end", ""))
        data = _tar(rng, way)
        said = (way,) if way else ()
        if rng.random() < 0.3 or not said:
            data, more = mutate(rng, data, damage)
            said += more
        if rng.random() < 0.02:
            data, said = data[:-1024] + bytes(rng.choice((30, 200)) << 20), ("a bomb of zeros",)
        data = _PACK[suffix](data)
        if rng.random() < 0.2:
            data, more = mutate(rng, data, damage)
            said += ("packed:", *more)
        return Case({f"set{suffix}": data}, f"set{suffix}", said)

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        data = (folder / case.source).read_bytes()
        for magic, unpack in (
            (b"\x1f\x8b", gzip.decompress),
            (b"\xfd7z", lzma.decompress),
            (b"BZh", bz2.decompress),
        ):
            if data.startswith(magic):
                data = unpack(data)
        return rows_of(_untarred(data))


def _untarred(data: bytes) -> dict[str, bytes]:
    """Plain files by name, read by the letter of ustar."""
    members: dict[str, bytes] = {}
    stream = io.BytesIO(data)
    while (head := stream.read(512)) != bytes(512):
        if len(head) < 512 or _number(head[148:156]) != sum(head[:148]) + 256 + sum(head[156:]):
            raise Wrong("a header is cut off, or its checksum is wrong")
        kind, size = head[156:157], _number(head[124:136])
        if kind not in (b"0", b"\0", b"5") or head[345:346] != b"\0":
            raise NotJudged(f"a member of the kind {kind!r}, or a divided name")
        body = stream.read(-(-size // 512) * 512)
        if len(body) < size:
            raise Wrong("a member is cut off")
        name = head[:100].split(b"\0")[0].decode("utf-8", "surrogateescape")
        if name in members:
            raise Wrong(f"{name!r} stands twice")
        if kind != b"5":
            members[name] = body[:size]
    return members


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        raise NotJudged("a number in base 256")
    digits = field.split(b"\0")[0].strip()
    if not re.fullmatch(rb"[0-7]*", digits):
        raise NotJudged("a number that is none")
    return int(digits or b"0", 8)
