"""What the pages of a Parquet column say of their own size, before any is unpacked.

A page's header stands right before it, and pyarrow sets aside what it declares: up to 2 GiB, for
some bytes that are damaged. Footer and headers are read here in Thrift's compact protocol, for
pyarrow ends the whole process where it is asked about some damaged entries of a footer.
"""

from __future__ import annotations

import mmap
from typing import Any

__all__ = ["DamagedPage", "check_pages"]

Content = mmap.mmap | bytes

#: Types of the compact protocol.
_BOOLS, _VARINTS, _LISTS = (1, 2), (4, 5, 6), (9, 10)
_BYTE, _DOUBLE, _BINARY, _STRUCT = 3, 7, 8, 12
_DEEPEST = 16
_TAIL = 8
#: Fields of the structs of parquet.thrift, by their numbers there.
_GROUPS, _COLUMNS, _METADATA = 4, 1, 3
_PATH, _VALUES, _UNPACKED, _PACKED, _DATA_AT, _DICTIONARY_AT = 3, 5, 6, 7, 9, 11
_PAGE_UNPACKED, _PAGE_PACKED = 2, 3


class DamagedPage(ValueError):
    """A page that cannot be what its header or its column's entry in the footer says."""


def check_pages(content: Content, column: str) -> None:
    """Walk through the pages of a column, ``name`` or ``name.field``, of a whole file.

    Raises :class:`DamagedPage` where one does not lie in its chunk or would unpack to more than
    the whole chunk does, and where the footer cannot be read.
    """
    try:
        for chunk in _chunks(content, column.encode()):
            if chunk[_VALUES]:
                _check_chunk(content, chunk)
    except (LookupError, TypeError, AttributeError):
        raise DamagedPage("a header is damaged or cut off") from None


def _chunks(content: Content, column: bytes) -> list[dict[int, Any]]:
    """The metadata of a column's chunks, one of each row group."""
    tail = len(content) - _TAIL
    start = tail - int.from_bytes(content[tail : tail + 4], "little")
    if not 0 < start < tail:
        raise DamagedPage("the footer lies outside of the file")
    footer = _Compact(content[start:tail], 0).struct()
    chunks = [chunk[_METADATA] for group in footer[_GROUPS] for chunk in group[_COLUMNS]]
    return [chunk for chunk in chunks if b".".join(chunk[_PATH]) == column]


def _check_chunk(content: Content, chunk: dict[int, Any]) -> None:
    at = chunk[_DATA_AT]
    if 0 < chunk.get(_DICTIONARY_AT, 0) < at:
        at = chunk[_DICTIONARY_AT]
    end = at + chunk[_PACKED]
    if not 0 < at <= end <= len(content) - _TAIL:
        raise DamagedPage("a column lies outside of the file")
    while at < end:
        reader = _Compact(content, at)
        header = reader.struct()
        at = reader.at
        unpacked, packed = header[_PAGE_UNPACKED], header[_PAGE_PACKED]
        if not (0 <= packed <= end - at and 0 <= unpacked <= chunk[_UNPACKED]):
            raise DamagedPage(f"a page of {packed:,} bytes declares {unpacked:,} bytes unpacked")
        at += packed


class _Compact:
    """Reads values of Thrift's compact protocol one after the other.

    Numbers become ``int``, text ``bytes``, lists ``list``, structs ``dict`` by the numbers of
    their fields. Raises ``IndexError`` where the bytes end before a value does.
    """

    def __init__(self, content: Content, at: int) -> None:
        self._content, self.at = content, at

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The fields of a struct."""
        if depth > _DEEPEST:
            raise DamagedPage("a header is nested too deep")
        found: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            step = head >> 4
            number = number + step if step else self._signed()
            kind = head & 15
            # A struct's truth value stands in its type.
            found[number] = kind == 1 if kind in _BOOLS else self._value(kind, depth + 1)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _VARINTS:
            return self._signed()
        if kind == _BINARY:
            return self._take(self._varint())
        if kind == _STRUCT:
            return self.struct(depth)
        if kind in _LISTS:
            return self._list(depth)
        if kind == _DOUBLE:
            return self._take(8)
        if kind == _BYTE or kind in _BOOLS:
            return self._byte()
        raise DamagedPage(f"a header has a value of the unknown kind {kind}")

    def _list(self, depth: int) -> list[Any]:
        if depth > _DEEPEST:
            raise DamagedPage("a header is nested too deep")
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        if count > len(self._content):  # every item takes a byte or more
            raise IndexError
        return [self._value(head & 15, depth + 1) for _ in range(count)]

    def _take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self._content):
            raise IndexError
        data = bytes(self._content[self.at : end])
        self.at = end
        return data

    def _signed(self) -> int:
        value = self._varint()  # zigzag
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) >= 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise DamagedPage("a number in a header does not end")
        return value | byte << shift

    def _byte(self) -> int:
        value = self._content[self.at]
        self.at += 1
        return value
