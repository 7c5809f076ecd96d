"""What the server and its workers say to each other: numbered frames of bytes on a socket.

A frame is its length (uint32) and its number (uint64), little-endian, and then the bytes. An
answer bears the number of its question. There is no pickle in it: a decoder that a hostile image
took over can send wrong pixels, and nothing that the server would run.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = [
    "DECODED",
    "HEAD",
    "REFUSED",
    "answer_frames",
    "pack_blobs",
    "read_frame",
    "read_job",
    "split_blobs",
    "write_frame",
]

#: Length and number of a frame.
HEAD = struct.Struct("<IQ")
#: The first byte of what a decoder says of a file: pixels follow, or why there are none (UTF-8).
DECODED, REFUSED = b"\0", b"\1"
_COUNT = struct.Struct("<I")


def _read_exactly(channel: socket.socket, count: int) -> bytearray | None:
    """So many bytes; None where the other side has gone."""
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = channel.recv_into(view)
        if not got:
            return None
        view = view[got:]
    return data


def read_frame(channel: socket.socket) -> tuple[int, memoryview] | None:
    """The next frame's number and bytes; None where the server has gone."""
    head = _read_exactly(channel, HEAD.size)
    if head is None:
        return None
    length, number = HEAD.unpack(head)
    body = _read_exactly(channel, length)
    return None if body is None else (number, memoryview(body))


def write_frame(channel: socket.socket, number: int, body: bytes) -> None:
    """Send a frame."""
    channel.sendall(HEAD.pack(len(body), number) + body)


def read_job(channel: socket.socket) -> dict[str, Any] | None:
    """The first frame, which says what the worker is to do; None where the server has gone."""
    frame = read_frame(channel)
    return None if frame is None else dict(json.loads(bytes(frame[1])))


def answer_frames(
    channel: socket.socket, greeting: Mapping[str, Any], answer: Callable[[memoryview], bytes]
) -> None:
    """Say that the worker is ready, then answer frame after frame until the server goes."""
    write_frame(channel, 0, json.dumps(greeting).encode())
    while (frame := read_frame(channel)) is not None:
        number, body = frame
        write_frame(channel, number, answer(body))


def pack_blobs(blobs: Sequence[bytes]) -> list[bytes]:
    """Blobs with their count and lengths before them, as pieces of one frame."""
    lengths = struct.pack(f"<{len(blobs)}I", *map(len, blobs))
    return [_COUNT.pack(len(blobs)), lengths, *blobs]


def split_blobs(frame: memoryview) -> list[memoryview]:
    """What :func:`pack_blobs` packed; ValueError where the lengths do not add up."""
    if len(frame) < _COUNT.size:
        raise ValueError("the frame has no count")
    (count,) = _COUNT.unpack_from(frame)
    at = _COUNT.size * (count + 1)
    if at > len(frame):
        raise ValueError(f"the frame has no room for {count} lengths")
    lengths = struct.unpack_from(f"<{count}I", frame, _COUNT.size)
    if at + sum(lengths) != len(frame):
        raise ValueError("the lengths do not add up to the frame")
    blobs = []
    for length in lengths:
        blobs.append(frame[at : at + length])
        at += length
    return blobs
