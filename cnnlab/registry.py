"""Names for things that users choose by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from cnnlab.errors import UnknownNameError

__all__ = ["Registry", "suggestion"]

T = TypeVar("T")


def suggestion(name: str, choices: list[str]) -> str:
    """Return "did you mean 'x'?" or, where nothing is near, the list of choices."""
    near = difflib.get_close_matches(name.lower(), choices, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"choose from: {', '.join(choices)}" if choices else "there are none"


class Registry(Generic[T]):
    """A sorted collection of named things of one kind ("model", "optimizer", ...)."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> T:
        """Register ``entry``; a name taken already is a programming error."""
        if name in self._entries:
            raise ValueError(f"{self.kind} '{name}' is registered twice")
        self._entries[name] = entry
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """Register what it decorates."""
        return lambda entry: self.add(name, entry)

    def get(self, name: str) -> T:
        """Return the entry, or raise :class:`UnknownNameError` with a suggestion."""
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownNameError(
                f"no {self.kind} is called '{name}'", todo=suggestion(name, self.names())
            ) from None

    def names(self) -> list[str]:
        """Every name, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._entries)
