"""Reading a run that may be damaged, half-written or from a later cnnlab, part by part."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cnnlab.errors import CnnlabError
from cnnlab.runs import Run, is_newer_schema
from cnnlab.settings import load_yaml

__all__ = ["TolerantReader"]

T = TypeVar("T")

#: What a file raises that is well-formed JSON, YAML or NumPy, but says something else.
_OTHER_CONTENT = (
    ArithmeticError,
    AttributeError,
    IndexError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
)


class TolerantReader:
    """Calls what reads a part of a run; what cannot be read is noted in ``problems``, not raised.

    Attributes
    ----------
    problems: a line each, in the order in which they were met, none twice.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.problems: list[str] = []

    def read(self, part: Callable[[], T], *, what: str) -> T | None:
        """What ``part()`` returns; None where it fails, ``what`` then names it."""
        try:
            return part()
        except CnnlabError as error:
            self._note(str(error))
        except _OTHER_CONTENT as error:
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            self._note(f"{self.run.path}: {what} cannot be read ({said})")
        return None

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def status(self) -> str:
        """The run's status; "newer" for a later schema, "damaged" where there are problems."""
        if self._is_newer():
            return "newer"
        status = self.read(lambda: self.run.status, what="result.json")
        return "damaged" if self.problems or status is None else status

    def _is_newer(self) -> bool:
        if not self.problems:
            return False
        try:
            version = load_yaml(self.run.path / "config.yaml").get("schema_version")
        except CnnlabError:
            return False
        return is_newer_schema(version)
