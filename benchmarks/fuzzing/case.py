"""One input: the files that are written, and how a family makes, tries and judges them."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["Case", "Family", "Link", "NotJudged", "Wrong", "generator_of", "write_files"]


class Wrong(Exception):
    """What was loaded is not what the files say."""


class NotJudged(Exception):
    """Nothing independent says what should have been loaded; the message says why."""


@dataclass(frozen=True)
class Link:
    """A symbolic link to ``target``."""

    target: str


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes
    ----------
    files: bytes, or a link, by the path below the case's folder.
    source: the path below it that cnnlab is given.
    what: the mutations in words; none: the files are as they should be, and must be right.
    facts: what else the family's ``use`` and ``judge`` want to know.
    """

    files: Mapping[str, bytes | Link]
    source: str
    what: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class Family(ABC):
    """One format.

    Attributes
    ----------
    name: as ``--format`` takes it.
    writes: whether ``use`` may write beside the files that are there.
    names_keys: whether an error may name the key or value that is wrong instead of the file.
    """

    name: ClassVar[str]
    writes: ClassVar[bool] = False
    names_keys: ClassVar[bool] = False

    def warm(self) -> None:
        """Import what ``use`` needs, so that the clock does not see it."""
        return

    @abstractmethod
    def case(self, rng: random.Random) -> Case:
        """Make an input from nothing but ``rng``."""

    @abstractmethod
    def use(self, folder: Path, case: Case) -> Any:
        """Have cnnlab use the files in ``folder``; raises what cnnlab raises."""

    @abstractmethod
    def judge(self, folder: Path, case: Case, made: Any) -> None:
        """Raise :class:`Wrong` unless what was made is right, :class:`NotJudged` if unknown."""


def generator_of(name: str, seed: int, number: int) -> random.Random:
    """The randomness of one input; nothing else decides what it is."""
    return random.Random(f"{name}/{seed}/{number}")


def write_files(folder: Path, files: Mapping[str, bytes | Link]) -> None:
    """Write a case's files."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            path.symlink_to(content.target)
        else:
            path.write_bytes(content)
