"""Zip and tar archives of class folders.

Silently wrong: a picture more, fewer or other than the archive's members say; a file outside the
case's folder; a member that should have been refused. The zip is read again with ``zipfile``, whole
and with every checksum; the tar with the reader below, from POSIX.1-1988 (ustar), which knows
plain files and folders and takes no header with a wrong checksum.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from fuzzing.case import Case, NotJudged, Wrong
from fuzzing.images import SOUND_SHARE, class_folders
from fuzzing.labelled import Expected, LabelledFamily, base_pixels
from fuzzing.mutations import TEXTS, damage, extreme, mutate, number_bytes
from fuzzing.png import make_png, read_png
from fuzzing.trial import CANARY

__all__ = ["ARCHIVES"]

#: Names that members may not have, or that mean something to somebody.
_NAMES = (
    *(
        f"../{CANARY}",
        f"/tmp/{CANARY}",
        f"cat/../../{CANARY}",
        "C:\\x.png",
        "cat\\1.png",
        "cat/2.png",
    ),
    *(
        "./cat/2.png",
        "cat//2.png",
        "cat/",
        "",
        "cat/\0.png",
        "cat/\x1b[2J.png",
        "a/" * 40 + "x.png",
    ),
    *("cat/é.png", "train/cat/1.png", "dog/.DS_Store", "__MACOSX/cat/._1.png", "labels.csv"),
    *("CAT/2.png", "cat/2.PNG", "x" * 300 + ".png", "cat/2.png/inside.png", "birds/1.png"),
)


def _plain_members() -> dict[str, bytes]:
    return {"cat/1.png": make_png(base_pixels(1)), **class_folders()}


def _rows_of(members: dict[str, bytes]) -> list[Expected]:
    """The rows of class folders; only the plainest layout is known here."""
    images = {name: data for name, data in members.items() if name.lower().endswith(".png")}
    shapes = {len(PurePosixPath(name).parts) for name in members}
    if images.keys() != members.keys() or shapes != {2}:
        raise NotJudged("more than class folders of PNG files")
    if any(re.search(r"(^|/)\.|^(train|test|val)|//|__MACOSX", name) for name in images):
        raise NotJudged("parts, litter, or paths that are written in more than one way")
    ordered = sorted(images, key=lambda name: PurePosixPath(name).parts)
    return [Expected(read_png(images[name]), name.split("/")[0]) for name in ordered]


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
    name = rng.choice((*_NAMES, *TEXTS[:20])).encode("utf-8", "surrogatepass")[:60_000]
    extra = rng.choice((rng.randbytes(9), struct.pack("<HH", 0x7075, 5) + b"\1abcd"))
    kinds = (0x21B6, 0x61B6, 0x11B6, 0xC1B6, 0x41ED)
    return {
        "name": {"name": name, "flags": rng.choice((0, 0x800))},
        "local name": {"local_name": rng.choice(_NAMES).encode()},
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
        members = [_Member(name.encode(), data) for name, data in _plain_members().items()]
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
        return _rows_of(members)


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
        value = rng.choice((*_NAMES, *TEXTS[:20])).encode("utf-8", "surrogatepass")
    field[at : at + length] = value[:length].ljust(length, b"\0")
    return _summed(bytes(field))


def _summed(header: bytes) -> bytes:
    blank = header[:148] + b" " * 8 + header[156:512]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def _tar(rng: random.Random, way: str) -> bytes:
    """The members in order; ``way`` says what is wrong with one of them."""
    members = _plain_members()
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
    info = tarfile.TarInfo(rng.choice(_NAMES) or "x")
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
        return _rows_of(_untarred(data))


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


ARCHIVES = (ZipFamily(), TarFamily())
