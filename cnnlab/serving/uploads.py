"""A request's body -> the image files in it. It is in memory and within its limit already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from cnnlab.serving.refusal import Refusal
from cnnlab.tables import printable

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["Upload", "read_uploads"]

_LONGEST_NAME = 200
#: Parts of a form beside the files. Each is taken up by itself, and a large body has room for
#: millions of empty ones, over which everybody else would wait for seconds.
_MOST_FIELDS = 1000
#: What a raw body may be called, beside image/...; curl's --data-binary sends the second.
_RAW = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded"})


@dataclass(frozen=True)
class Upload:
    """An image file as it was sent.

    Attributes
    ----------
    data: its bytes.
    name: what the client calls it, for answers alone; None: nothing. Never a path to us.
    where: what errors call it.
    """

    data: bytes
    name: str | None
    where: str


def read_uploads(content_type: str, body: bytes, most: int) -> list[Upload]:
    """The files of a multipart body, or the one image that the body is.

    Raises :class:`Refusal`: 400 for a body that cannot be read or holds nothing, 413 for more
    than ``most`` files or a thousand other fields, 415 for another kind of body.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _parts(content_type, body, most)
    if kind not in _RAW and not kind.startswith("image/"):
        raise Refusal(
            415,
            f"a body of type '{printable(kind)[:_LONGEST_NAME]}'; expected multipart/form-data, "
            "image/... or application/octet-stream",
        )
    if not body:
        raise Refusal(400, "the body is empty; expected an image, or multipart/form-data")
    return [Upload(body, None, "the body")]


def _parts(content_type: str, body: bytes, most: int) -> list[Upload]:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise Refusal(400, "multipart/form-data without a boundary")
    collector = _Collector(most)
    try:
        parser = MultipartParser(boundary, collector.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise Refusal(400, "the multipart body is broken") from None
    if not collector.ended:
        raise Refusal(400, "the multipart body is cut off")
    if not collector.uploads:
        raise Refusal(400, "no file in the form; expected one or more, e.g. curl -F image=@cat.png")
    return collector.uploads


class _Collector:
    """Keeps what the parser finds: parts with a file's name; other fields say nothing to us."""

    def __init__(self, most: int) -> None:
        self.uploads: list[Upload] = []
        self.ended = False
        self._most = most
        self._parts = 0
        self._field = self._value = self._disposition = b""
        self._pieces: list[bytes] = []

    def callbacks(self) -> MultipartCallbacks:
        """What the parser calls, by its names."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header_end,
            "on_part_data": self._on_data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._most + _MOST_FIELDS:
            raise Refusal(413, f"a form of more than {self._most + _MOST_FIELDS:,} parts")
        self._disposition, self._pieces = b"", []

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])

    def _end(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if b"filename" not in options:
            return
        if len(self.uploads) == self._most:
            raise Refusal(413, f"more than {self._most} files; send them in several requests")
        name = printable(options[b"filename"].decode("utf-8", "replace"))[:_LONGEST_NAME]
        where = f"file {len(self.uploads) + 1} ('{name}')"
        self.uploads.append(Upload(b"".join(self._pieces), name, where))

    def _finish(self) -> None:
        self.ended = True
