"""The stack machine that a pickle is a program for, with the few operations that are safe.

Operations have the names of the standard module ``pickletools``. Each reads its arguments from
the contents and moves the stack; none imports or calls anything that the pickle names.
"""

from __future__ import annotations

import codecs
import pickletools
import warnings
from collections.abc import Callable

from cnnlab.data.pickled_arrays import GLOBALS, Refused, build, reduce

__all__ = ["Machine"]

_OPERATIONS_MAX = 1_000_000
_NUMBER_CHARACTERS_MAX = 32
_NAME_CHARACTERS_MAX = 200
_NAMES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}


class Machine:
    """The state of the machine; its methods are what operations are made of.

    Attributes
    ----------
    began: the position of the operation that is being done, for messages.
    """

    def __init__(self, contents: bytes) -> None:
        self.contents = contents
        self.at = self.began = 0
        self.stack: list[object] = []
        self.below: list[list[object]] = []  # the stack under each open mark
        self.memo: dict[int, object] = {}
        self.encoded_bytes = 0

    def run(self) -> object:
        """Do every operation up to STOP and return what it leaves."""
        for _ in range(_OPERATIONS_MAX):
            self.began = self.at
            code = self.take(1)[0]
            name = _NAMES.get(code, f"{code:#04x}")
            if name == "STOP":
                if self.at != len(self.contents):
                    raise Refused("there are bytes after the pickle's end")
                return self.pop()
            operation = _OPERATIONS.get(name)
            if operation is None:
                raise Refused(f"the pickle asks for the operation {name}")
            operation(self)
        raise Refused(f"the pickle has more than {_OPERATIONS_MAX:,} operations")

    def take(self, count: int) -> bytes:
        """Read ``count`` bytes; the length is checked before anything is copied."""
        end = self.at + count
        if count < 0 or end > len(self.contents):
            raise Refused(f"the pickle is cut off: {count:,} bytes should follow")
        start, self.at = self.at, end
        return self.contents[start:end]

    def number(self, size: int, *, signed: bool = False) -> int:
        """Read a binary number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def sized(self, size: int) -> bytes:
        """Read a length of ``size`` bytes and as many bytes as it says."""
        return self.take(self.number(size))

    def line(self, characters_max: int | None = None) -> bytes:
        """Read up to the end of a line."""
        end = self.contents.find(b"\n", self.at)
        if end < 0:
            raise Refused("the pickle is cut off within a line")
        if characters_max is not None and end - self.at > characters_max:
            raise Refused(f"the pickle has a line of {end - self.at:,} characters")
        line = self.take(end - self.at)
        self.at += 1
        return line

    def decimal(self) -> int:
        """Read a number written in digits."""
        try:
            return int(self.line(_NUMBER_CHARACTERS_MAX).removesuffix(b"L"))
        except ValueError:
            raise Refused("the pickle has a number that is none") from None

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> object:
        if not self.stack:
            raise Refused("the pickle takes from an empty stack")
        return self.stack.pop()

    def top(self) -> object:
        if not self.stack:
            raise Refused("the pickle looks at an empty stack")
        return self.stack[-1]

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def marked(self) -> list[object]:
        """Take everything down to the last mark, and the mark."""
        if not self.below:
            raise Refused("the pickle has no mark")
        values, self.stack = self.stack, self.below.pop()
        return values

    def last(self, count: int) -> list[object]:
        """Take the last ``count`` values, in their order."""
        return [self.pop() for _ in range(count)][::-1]

    def remember(self, index: int) -> None:
        self.memo[index] = self.top()

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise Refused(f"the pickle recalls object {index}, which is not there")
        self.push(self.memo[index])

    def append(self, values: list[object]) -> None:
        target = self.top()
        if not isinstance(target, list):
            raise Refused("the pickle appends to what is no list")
        target.extend(values)

    def set_items(self, values: list[object]) -> None:
        target = self.top()
        if not isinstance(target, dict) or len(values) % 2:
            raise Refused("the pickle sets items of what is no dictionary")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # Text only: the hash of tuples of tuples could take for ever.
            if not isinstance(key, str | bytes):
                raise Refused("the pickle has a key that is no text")
            target[key] = value

    def new_dict(self) -> None:
        values = self.marked()
        self.push({})
        self.set_items(values)

    def name(self, module: object, name: object) -> None:
        """Push the marker for a name; it is looked up in our own list only."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise Refused("the pickle asks for a name that is no text")
        meaning = GLOBALS.get((module, name))
        if meaning is None:
            raise Refused(f"the pickle asks for {module[:100]}.{name[:100]}")
        self.push(meaning)

    def global_line(self) -> None:
        module, name = (self.line(_NAME_CHARACTERS_MAX).decode("latin-1") for _ in range(2))
        self.name(module, name)

    def reduce(self) -> None:
        function, arguments = self.last(2)
        result = reduce(function, arguments)
        if isinstance(result, bytes):
            # One text could be recalled and turned into bytes again and again.
            self.encoded_bytes += len(result)
            if self.encoded_bytes > len(self.contents):
                raise Refused("the pickle multiplies its contents")
        self.push(result)

    def build(self) -> None:
        state = self.pop()
        build(self.top(), state)

    def flag_or_decimal(self) -> None:
        """Push a number; protocols 0 and 1 write truth as ``00`` and ``01``."""
        flags = {b"00\n": False, b"01\n": True}
        flag = flags.get(self.contents[self.at : self.at + 3])
        if flag is None:
            self.push(self.decimal())
        else:
            self.at += 3
            self.push(flag)

    def quoted(self) -> None:
        """Push the bytes of Python 2's quoted text."""
        line = self.line()
        if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
            raise Refused("the pickle has text without quotes")
        try:
            with warnings.catch_warnings(action="error"):
                self.push(codecs.escape_decode(line[1:-1])[0])
        except (ValueError, Warning):
            raise Refused("the pickle has text with a broken escape") from None

    def text(self, raw: bytes, encoding: str) -> None:
        try:
            self.push(raw.decode(encoding))
        except UnicodeDecodeError:
            raise Refused(f"the pickle has text that is not {encoding}") from None

    def small_integer(self, size: int) -> None:
        if size > 8:
            raise Refused(f"the pickle has a number of {size:,} bytes")
        self.push(self.number(size, signed=True))

    def protocol(self) -> None:
        version = self.number(1)
        if version > 5:
            raise Refused(f"the pickle has protocol {version}")

    def frame(self) -> None:
        """Pass over the length of a frame: it only helps those who read piecemeal."""
        self.take(8)


#: All that is understood.
_OPERATIONS: dict[str, Callable[[Machine], None]] = {
    "PROTO": Machine.protocol,
    "FRAME": Machine.frame,
    "MARK": Machine.mark,
    "NONE": lambda m: m.push(None),
    "NEWTRUE": lambda m: m.push(True),
    "NEWFALSE": lambda m: m.push(False),
    "INT": Machine.flag_or_decimal,
    "LONG": lambda m: m.push(m.decimal()),
    "LONG1": lambda m: m.small_integer(m.number(1)),
    "BININT": lambda m: m.push(m.number(4, signed=True)),
    "BININT1": lambda m: m.push(m.number(1)),
    "BININT2": lambda m: m.push(m.number(2)),
    "STRING": Machine.quoted,
    "BINSTRING": lambda m: m.push(m.take(m.number(4, signed=True))),
    "SHORT_BINSTRING": lambda m: m.push(m.sized(1)),
    "SHORT_BINBYTES": lambda m: m.push(m.sized(1)),
    "BINBYTES": lambda m: m.push(m.sized(4)),
    "BINBYTES8": lambda m: m.push(m.sized(8)),
    "BYTEARRAY8": lambda m: m.push(m.sized(8)),
    "UNICODE": lambda m: m.text(m.line(), "raw-unicode-escape"),
    "SHORT_BINUNICODE": lambda m: m.text(m.sized(1), "utf-8"),
    "BINUNICODE": lambda m: m.text(m.sized(4), "utf-8"),
    "BINUNICODE8": lambda m: m.text(m.sized(8), "utf-8"),
    "EMPTY_LIST": lambda m: m.push([]),
    "EMPTY_TUPLE": lambda m: m.push(()),
    "EMPTY_DICT": lambda m: m.push({}),
    "LIST": lambda m: m.push(m.marked()),
    "TUPLE": lambda m: m.push(tuple(m.marked())),
    "TUPLE1": lambda m: m.push(tuple(m.last(1))),
    "TUPLE2": lambda m: m.push(tuple(m.last(2))),
    "TUPLE3": lambda m: m.push(tuple(m.last(3))),
    "DICT": Machine.new_dict,
    "APPEND": lambda m: m.append(m.last(1)),
    "APPENDS": lambda m: m.append(m.marked()),
    "SETITEM": lambda m: m.set_items(m.last(2)),
    "SETITEMS": lambda m: m.set_items(m.marked()),
    "PUT": lambda m: m.remember(m.decimal()),
    "BINPUT": lambda m: m.remember(m.number(1)),
    "LONG_BINPUT": lambda m: m.remember(m.number(4)),
    "MEMOIZE": lambda m: m.remember(len(m.memo)),
    "GET": lambda m: m.recall(m.decimal()),
    "BINGET": lambda m: m.recall(m.number(1)),
    "LONG_BINGET": lambda m: m.recall(m.number(4)),
    "GLOBAL": Machine.global_line,
    "STACK_GLOBAL": lambda m: m.name(*m.last(2)),
    "REDUCE": Machine.reduce,
    "BUILD": Machine.build,
}
