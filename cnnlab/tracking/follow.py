"""One run's records on their way to one tracker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cnnlab.errors import CnnlabError, FailedError
from cnnlab.runs import Run
from cnnlab.tracking.subject import Subject, read_outcome
from cnnlab.tracking.target import Target, without_password
from cnnlab.tracking.tracker import TRACKERS

__all__ = ["Follower"]


class Follower:
    """Sends a run's lines as they come, and at last what the run came to.

    Every method raises a :class:`CnnlabError` whatever the tracker itself raised.
    """

    def __init__(self, run: Run, target: Target) -> None:
        self.run, self.target = run, target
        self._subject = Subject(run)
        self.epochs = 0
        with _told(target):
            self._session = TRACKERS.get(target.name).open(self._subject, target.where)

    @property
    def id(self) -> str:
        """The run's id in the tracker's store."""
        return self._subject.id

    @property
    def place(self) -> str:
        """Where it stands in the store."""
        return self._session.place

    @property
    def look(self) -> str:
        """What to type to see it."""
        return self._session.look

    def sync(self) -> None:
        """Send the lines that have come since the last time."""
        points, self.epochs = self._subject.points(self.epochs)
        with _told(self.target):
            if points:
                self._session.send(points)

    def finish(self) -> None:
        """Send what is left, and what the run came to."""
        self.sync()
        outcome = read_outcome(self._subject, self.epochs)
        with _told(self.target):
            self._session.finish(outcome)


@contextmanager
def _told(target: Target) -> Iterator[None]:
    """Turn what somebody else's library raises into one line that names it."""
    try:
        yield
    except CnnlabError:
        raise
    except Exception as error:
        said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise FailedError(
            f"{target.name} did not take it: {without_password(said)}",  # libraries quote it
            where=None if target.holds_password else target.where,
        ) from error
