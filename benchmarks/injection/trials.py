"""What is done while operations on files fail, and what must hold afterwards."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path

from fault_child import Command, Outcome, in_a_child

from cnnlab.errors import FailedError
from injection.injector import Fault, Operation

__all__ = ["Trial", "Verdict", "left_over"]

#: Removing what is not needed any more may fail silently; whatever else fails must be said.
_MAY_FAIL_SILENTLY = ("unlink", "rmdir")

_TEMPORARY = (".*.tmp", ".new-run-*", ".removed-*")


@dataclass(frozen=True)
class Verdict:
    """One operation that failed, and what did not hold afterwards (nothing, where all is well).

    Attributes
    ----------
    rightly_ended: whether the process said what failed, in one line, with the right exit code.
    loads: whether all that stood before the fault could be read after it.
    equal: whether what went on afterwards ended equal, to the byte, to what nothing disturbed.
    """

    operation: Operation
    code: int
    said: str
    rightly_ended: bool
    loads: bool
    equal: bool
    problems: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """A workflow in a folder: done undisturbed once, then with a fault at an operation.

    ``folder`` receives a folder for each time that it is done.
    """

    folder: Path
    whole: Path = field(init=False)
    operations: list[Operation] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.absolute()
        self.whole = self.folder / "whole"

    def record(self) -> None:
        """Do it undisturbed, and keep which operations it takes.

        First in this process, so that children need not load what it takes once more.
        """
        self._warm_up(self.folder / "warm")
        self.set_up(self.whole)
        outcome = in_a_child(self.whole, self.commands(), None)
        if outcome.code:
            raise FailedError(f"the undisturbed workflow failed: {' / '.join(outcome.said[-2:])}")
        self.operations = outcome.operations

    def _warm_up(self, folder: Path) -> None:
        self.set_up(folder)
        before = os.environ.get("CNNLAB_HOME")
        os.environ["CNNLAB_HOME"] = str(folder / "home")
        nowhere = io.StringIO()
        try:
            with chdir(folder), redirect_stdout(nowhere), redirect_stderr(nowhere):
                for command in self.commands():
                    with suppress(SystemExit):
                        command()
        finally:
            if before is None:
                del os.environ["CNNLAB_HOME"]
            else:
                os.environ["CNNLAB_HOME"] = before

    def try_fault(self, fault: Fault) -> Verdict:
        """Do it with a fault, look at what is there, go on without one, and compare."""
        folder = self.folder / "disturbed"
        shutil.rmtree(folder, ignore_errors=True)
        self.set_up(folder)
        outcome = in_a_child(folder, self.commands(), fault)
        operation = outcome.operations[fault.number]
        wrong = self._wrong_end(fault, operation, outcome)
        broken = self.unreadable(folder, outcome.renamed)
        # Where removing fails, something stays; but not beyond what is done next.
        stays = fault.form == "from then on" or operation.kind in _MAY_FAIL_SILENTLY
        left = [] if stays else left_over(folder)
        apart = self.go_on(folder)
        left += [path for path in left_over(folder) if path not in left]
        problems = [*wrong, *broken, *(f"left over: {path}" for path in left), *apart]
        shutil.rmtree(folder)
        said = next((line for line in reversed(outcome.said) if line.startswith("cnnlab: ")), "")
        said = said.replace(str(folder), "...")
        return Verdict(operation, outcome.code, said, not wrong, not broken, not apart, problems)

    def _wrong_end(self, fault: Fault, operation: Operation, outcome: Outcome) -> list[str]:
        said = outcome.said
        lines = [line for line in said if line.startswith("cnnlab: ")]
        found = [
            f"it says {word!r}"
            for word in ("Traceback", "Exception ignored", "unexpected")
            if any(word in line for line in said)
        ]
        if outcome.code == 0:
            if fault.form != "short" and operation.kind not in _MAY_FAIL_SILENTLY:
                found.append("it goes on as if nothing had failed")
            return found + [f"exit code 0, and it says: {line}" for line in lines]
        if fault.form == "short":
            found.append(f"a short write ends it: {' / '.join(lines)}")
        if outcome.code != 3:
            found.append(f"exit code {outcome.code}")
        if len(lines) != 1 or said[-1] != lines[0]:
            found.append(f"{len(lines)} lines of error")
        elif not any(part in lines[0] for part in (operation.path.split("/")[0], "home", "runs")):
            found.append("its error names no file")
        return found

    def set_up(self, folder: Path) -> None:
        """Make the folder in which it is done."""
        raise NotImplementedError

    def commands(self) -> list[Command]:
        """What is done, in order."""
        raise NotImplementedError

    def unreadable(self, folder: Path, renamed: Sequence[str]) -> list[str]:
        """What stood before the fault and cannot be read; ``renamed`` had taken their names."""
        raise NotImplementedError

    def go_on(self, folder: Path) -> list[str]:
        """Go on without a fault; return in what it does not end as the undisturbed one."""
        raise NotImplementedError


def left_over(folder: Path) -> list[str]:
    """Temporary files and folders below a folder, those in others of them not counted."""
    found = {path for form in _TEMPORARY for path in folder.rglob(form)}
    return sorted(
        path.relative_to(folder).as_posix() for path in found if found.isdisjoint(path.parents)
    )
