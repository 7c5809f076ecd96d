"""What a tracker is: a name, what it needs, and how it takes a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from cnnlab.errors import InputError
from cnnlab.registry import Registry
from cnnlab.tracking.subject import Outcome, Point, Subject

__all__ = ["TRACKERS", "Session", "Tracker"]


class Session(ABC):
    """One run in one tracker's store, from its first line to its end.

    Whoever uses it sends all points from the first on, whatever the store holds already: keeping
    what is there, once, is the session's business. ``place`` says where it stands, ``look`` what
    to type to see it.
    """

    place: str
    look: str

    @abstractmethod
    def send(self, points: Sequence[Point]) -> None:
        """Take the points of epochs that have come since the last call."""

    @abstractmethod
    def finish(self, outcome: Outcome) -> None:
        """Take what the run came to; nothing is sent after that."""


@dataclass(frozen=True)
class Tracker:
    """A tool that shows runs.

    Attributes
    ----------
    needs: modules that must be installed.
    extra: the extra of cnnlab that brings them.
    open: begins, or goes on with, a run in the store at a place (None: the tracker's own).
    addresses: whether a place may be the address of a server, and not only a folder.
    """

    needs: tuple[str, ...]
    extra: str
    open: Callable[[Subject, str | None], Session]
    addresses: bool = False

    def require(self, name: str) -> None:
        """Raise :class:`InputError` that says what to install where something is missing."""
        missing = [module for module in self.needs if find_spec(module) is None]
        if missing:
            raise InputError(
                f"{name} needs the package {' and '.join(missing)}, which is not installed",
                todo=f"pip install 'cnnlab[{self.extra}]'",
            )


#: Every tracker, by the name that ``--track`` takes.
TRACKERS: Registry[Tracker] = Registry("tracker")
