"""Doing something in a forked process, whose files may fail it."""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from injection.injector import Fault, Injector, Operation, arm

from cnnlab.cli.main import main
from cnnlab.errors import CnnlabError, FailedError

__all__ = ["Command", "Outcome", "cnnlab", "done_as_a_verb", "in_a_child"]

#: What is done: it ends with ``SystemExit``, as a verb does.
Command = Callable[[], None]


@dataclass(frozen=True)
class Outcome:
    """What a process left: exit code, what it said, what it did to files."""

    code: int
    said: list[str]
    operations: list[Operation]
    renamed: list[str]


def cnnlab(*arguments: str) -> Command:
    """The command line with these arguments."""
    return lambda: main(list(arguments))


def done_as_a_verb(work: Callable[[], None]) -> Command:
    """What is no verb, but is to end as one does."""

    def command() -> None:
        try:
            work()
        except CnnlabError as error:
            print(f"cnnlab: {error}", file=sys.stderr)
            sys.exit(error.exit_code)

    return command


def in_a_child(folder: Path, commands: Sequence[Command], fault: Fault | None) -> Outcome:
    """Do the commands in a forked process until one fails; ``folder`` is where it stands."""
    answer, log = (folder.with_name(f"{folder.name}{end}") for end in (".json", ".log"))
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # so that a child's collection touches none of the memory that it shares
    child = os.fork()
    if child == 0:
        code = 70  # whatever happens, the caller's work does not go on from here
        try:
            code = _be_child(folder, commands, fault, answer, log)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = log.read_text(encoding="utf-8").splitlines()
    if not answer.exists():
        raise FailedError(f"a child ended with {code}: {' / '.join(said[-3:])}", where=log)
    found = json.loads(answer.read_text(encoding="utf-8"))
    answer.unlink()
    log.unlink()
    operations = [Operation(**operation) for operation in found["operations"]]
    return Outcome(code, said, operations, found["renamed"])


def _be_child(
    folder: Path,
    commands: Sequence[Command],
    fault: Fault | None,
    answer: Path,
    log: Path,
) -> int:
    sys.stdout = sys.stderr = log.open("w", encoding="utf-8")
    os.environ["CNNLAB_HOME"] = str(folder / "home")
    os.chdir(folder)
    injector = Injector(folder, fault)
    arm(injector)
    code = 0
    for command in commands:
        try:
            command()
        except SystemExit as ended:
            code = int(ended.code or 0)
        gc.collect()  # what fails when files are closed is to be seen, too
        if code:
            break
    sys.stderr.flush()
    content = {
        "operations": [asdict(operation) for operation in injector.operations],
        "renamed": injector.renamed,
    }
    # It lies beside the folder, so the injector lets it be written.
    answer.write_text(json.dumps(content), encoding="utf-8")
    return code
