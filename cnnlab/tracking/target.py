"""Where a run is sent: a tracker's name, and a place if it is not the tracker's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cnnlab.errors import ConfigError
from cnnlab.files import expanded

__all__ = ["Target", "parse_target", "parse_targets", "without_password"]


@dataclass(frozen=True)
class Target:
    """A tracker by its name, and a folder or an address; None: the tracker's own place."""

    name: str
    where: str | None = None

    @property
    def is_address(self) -> bool:
        """Whether ``where`` is an address (``http://...``), not a folder."""
        return self.where is not None and "://" in self.where

    @property
    def holds_password(self) -> bool:
        """Whether the address brings a name and password along."""
        return self.is_address and "@" in urlsplit(str(self.where)).netloc

    def options(self) -> str:
        """As ``cnnlab track`` takes it."""
        import shlex

        words = ["--to", self.name]
        if self.where is not None:
            place = "PLACE" if self.holds_password else self.where
            words += ["--where", place]
        return shlex.join(words)


def without_password(text: str) -> str:
    """A text without the names and passwords of the addresses in it."""
    return re.sub(r"//[^/\s]*@", "//", text)


def parse_target(text: str, *, option: str) -> Target:
    """Read ``NAME`` or ``NAME=WHERE``; a folder is made absolute, for runs outlive a session.

    Raises ``UnknownNameError`` for no such tracker, :class:`ConfigError` for an empty place or an
    address that the tracker does not take, and ``InputError`` where what it needs is not installed.
    """
    from cnnlab.tracking.tracker import TRACKERS

    name, equals, where = text.partition("=")
    tracker = TRACKERS.get(name)
    tracker.require(name)
    if not equals:
        return Target(name)
    places = "a folder or an address" if tracker.addresses else "a folder"
    if not where.strip():
        raise ConfigError(f"names no place for {name}", where=option, expected=places)
    found = Target(name, where)
    if not found.is_address:
        return Target(name, str(expanded(where).resolve()))
    if not tracker.addresses:
        raise ConfigError(f"{name} takes no address", where=option, expected=places)
    return found


def parse_targets(texts: Sequence[str], *, option: str) -> list[Target]:
    """Each target once, in the order in which they were named."""
    return list(dict.fromkeys(parse_target(text, option=option) for text in texts))
