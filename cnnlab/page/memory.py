"""What was computed from files, kept as long as these stay as they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

__all__ = ["Memory", "state_of"]

T = TypeVar("T")


def state_of(files: Iterable[Path]) -> tuple[Hashable, ...]:
    """Time and size of each file: another state, another content."""
    states: list[Hashable] = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            states.append(None)
        else:
            states.append((status.st_mtime_ns, status.st_size))
    return tuple(states)


class Memory(Generic[T]):
    """The ``most`` values that were used last, each under a key and for a state of its files.

    Two threads that ask for the same value compute it once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[Hashable, T]] = OrderedDict()
        self._lock = threading.Lock()
        self._busy: dict[Hashable, threading.Lock] = {}

    def kept(self, key: Hashable) -> T | None:
        """What is kept for this key, whatever its state; None where nothing is."""
        with self._lock:
            found = self._kept.get(key)
        return None if found is None else found[1]

    def get(self, key: Hashable, state: Hashable, compute: Callable[[], T]) -> T:
        """What is kept for this key and state, or what ``compute()`` gives; its errors pass."""
        with self._lock:
            mine = self._busy.setdefault(key, threading.Lock())
        with mine:
            with self._lock:
                found = self._kept.get(key)
                if found is not None and found[0] == state:
                    self._kept.move_to_end(key)
                    return found[1]
            value = compute()
            with self._lock:
                self._kept[key] = (state, value)
                self._kept.move_to_end(key)
                while len(self._kept) > self._most:
                    self._busy.pop(self._kept.popitem(last=False)[0], None)
            return value
