"""The errors that cnnlab raises on purpose, and the exit code of each.

::

    CnnlabError
    ├── CheckFailed            1    a check that was asked for did not hold
    ├── InputError             2    what was asked for, or given, cannot be used
    │   ├── UnknownNameError        no such model, dataset, optimizer, key ...
    │   ├── ConfigError             a setting is missing, out of range or contradicts another
    │   ├── DataError               a dataset's files are broken, odd or not there
    │   │   └── ChecksumError       a file is not the one that was published
    │   ├── ArchitectureError       a network's layers do not fit together
    │   ├── DeviceError             the device or precision asked for is not on this machine
    │   └── RunError                a run directory is missing, unfinished, damaged or in use
    ├── FailedError            3    the work began and could not be finished
    │   ├── CompileError            torch could not compile the network
    │   ├── DivergedError           the loss is no longer a number
    │   ├── StorageError            disk full, folder read-only, file unreadable
    │   ├── MemoryLimitError        the device has too little memory
    │   ├── RankError               a process of a training on several devices has ended
    │   └── DownloadError           no mirror gave the file
    └── Interrupted          130    Ctrl-C (143 for TERM): state was saved where there was any

Every message is one line: what happened, where, what was expected, what to do.
"""

from __future__ import annotations

from typing import Self

__all__ = [
    "ArchitectureError",
    "CheckFailed",
    "ChecksumError",
    "CnnlabError",
    "CompileError",
    "ConfigError",
    "DataError",
    "DeviceError",
    "DivergedError",
    "DownloadError",
    "FailedError",
    "InputError",
    "Interrupted",
    "MemoryLimitError",
    "RankError",
    "RunError",
    "StorageError",
    "UnknownNameError",
]


#: Characters of a message; what is longer is cut in its middle.
_LONGEST = 4000


class CnnlabError(Exception):
    """The root: one line that a user can act on.

    Parameters
    ----------
    what: what happened, in plain words.
    where: the file (and index), key or layer that it happened at.
    expected: what should have been there.
    todo: what the reader can do now.
    """

    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: str | None = None,
        todo: str | None = None,
    ) -> None:
        self.what, self.where, self.expected, self.todo = what, where, expected, todo
        parts = [f"{where}: {what}" if where is not None else what]
        if expected:
            parts.append(f"expected {expected}")
        if todo:
            parts.append(todo)
        line = " ".join("; ".join(parts).split())
        if len(line) > _LONGEST:  # a file may hold a name of any length
            line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
        super().__init__(line)

    def within(self, place: object) -> Self:
        """The same error, said to be in a file, a run ..."""
        where = place if self.where is None else f"{place}: {self.where}"
        return type(self)(self.what, where=where, expected=self.expected, todo=self.todo)


class CheckFailed(CnnlabError):
    """A check that the user asked for did not hold."""

    exit_code = 1


class InputError(CnnlabError):
    """What was asked for, or given, cannot be used."""

    exit_code = 2


class UnknownNameError(InputError):
    """A name that no registry knows."""


class ConfigError(InputError):
    """A setting is missing, out of range or contradicts another."""


class DataError(InputError):
    """A dataset's files are broken, odd or not there."""


class ChecksumError(DataError):
    """A file is not the one that was published."""


class ArchitectureError(InputError):
    """A network's layers do not fit together."""


class DeviceError(InputError):
    """The device or precision asked for is not on this machine."""


class RunError(InputError):
    """A run directory is missing, unfinished, damaged or in use."""


class FailedError(CnnlabError):
    """The work began and could not be finished."""


class CompileError(FailedError):
    """torch could not compile the network."""


class DivergedError(FailedError):
    """The loss is no longer a number."""


class StorageError(FailedError):
    """Disk full, folder read-only or file unreadable."""


class MemoryLimitError(FailedError):
    """The device has too little memory."""


class RankError(FailedError):
    """A process of a training on several devices has ended."""


class DownloadError(FailedError):
    """No mirror gave the file."""


class Interrupted(CnnlabError):
    """The user, or the system, asked the process to stop."""

    def __init__(self, what: str, *, exit_code: int = 130, todo: str | None = None) -> None:
        super().__init__(what, todo=todo)
        self.exit_code = exit_code
