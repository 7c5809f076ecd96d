"""One input tried in this process: what cnnlab did with it, and what that cost."""

from __future__ import annotations

import os
import re
import shutil
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.records import Record

from cnnlab.errors import CnnlabError
from fuzzing.case import Case, Family, NotJudged, Wrong, generator_of, write_files

__all__ = ["CANARY", "GOOD", "OUTCOMES", "try_input"]

#: What can come of an input; the first three are as it should be.
OUTCOMES = (
    *("refused", "right", "not judged"),
    *("wrong", "bad message", "left behind", "ran", "memory", "traceback", "hang", "died"),
)
GOOD = frozenset(OUTCOMES[:3])
#: What a file may have run leaves this in the folder that the process works in.
CANARY = "owned-by-a-file"
#: More resident memory of the whole process than this is a finding; and in a process that was
#: large before, as among other tests, so much more than it had.
_LIMIT_BYTES, _GROWTH_BYTES = 1 << 30, 1 << 29
_SAID_AT_MOST = 400
_LINE_AT_MOST = 5_000


def _nothing() -> None:
    """Nobody waits for the moment at which cnnlab begins."""


def try_input(
    family: Family, seed: int, number: int, place: Path, begun: Callable[[], None] = _nothing
) -> Record:
    """Make an input, have cnnlab use it in ``place``, judge it.

    ``begun`` is called when the files are there and cnnlab begins. ``CNNLAB_HOME`` is inside
    ``place`` meanwhile, and both are empty before.
    """
    folder, home = place / "case", place / "home"
    for each in (folder, home):
        shutil.rmtree(each, ignore_errors=True)
        each.mkdir(parents=True)
    case = family.case(generator_of(family.name, seed, number))
    write_files(folder, case.files)
    with _at_home(place, home):
        begun()
        _forget_peak()
        most_bytes = max(_LIMIT_BYTES, _peak_bytes() + _GROWTH_BYTES)
        began = time.perf_counter()
        outcome, said, kind = _used(family, folder, home, case, most_bytes)
        seconds = time.perf_counter() - began
    return {
        "format": family.name,
        "seed": seed,
        "number": number,
        "outcome": outcome,
        "error": kind,
        "said": said[:_SAID_AT_MOST],
        "what": "; ".join(case.what)[:_SAID_AT_MOST],
        "ms": round(1000 * seconds, 1),
        "mb": round(_peak_bytes() / 1e6),
    }


def _used(
    family: Family, folder: Path, home: Path, case: Case, most_bytes: int
) -> tuple[str, str, str]:
    """The outcome, what was said, and the name of the error."""
    before = _listing(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a user would see two lines of our source
            made = family.use(folder, case)
    except CnnlabError as error:
        left = _left_behind(folder, home, before, only_temporary=family.writes)
        return _refused(error, folder, case, left, most_bytes, named=family.names_keys)
    except Exception as error:  # what reaches a user as a traceback is what is looked for
        return "traceback", _where(error), type(error).__name__
    if (folder.parent / CANARY).exists():
        return "ran", "a command of the file's", ""
    if _peak_bytes() > most_bytes:
        return "memory", f"{_peak_bytes():,} bytes", ""
    return (*_judged(family, folder, case, made), "")


def _judged(family: Family, folder: Path, case: Case, made: object) -> tuple[str, str]:
    try:
        family.judge(folder, case, made)
    except Wrong as reason:
        return "wrong", str(reason)
    except NotJudged as reason:
        return "not judged", str(reason)
    except Exception as error:  # a reader that is not ours refuses what ours has taken
        return "wrong", f"the other reader refuses it: {_where(error)}"
    return "right", ""


def _refused(
    error: CnnlabError, folder: Path, case: Case, left: set[str], most_bytes: int, *, named: bool
) -> tuple[str, str, str]:
    message, kind = str(error), type(error).__name__
    names = {Path(case.source).name, *(Path(name).name for name in case.files)}
    if (folder.parent / CANARY).exists():
        return "ran", "a command of the file's", kind
    if not case.what:
        return "wrong", f"sound files are refused: {message}", kind
    if len(message.splitlines()) != 1 or len(message) > _LINE_AT_MOST:
        return "bad message", f"not one line, or a long one: {message!r}", kind
    if not named and not any(_shown(name) in message for name in names if name):
        return "bad message", f"no file is named: {message}", kind
    if left:
        return "left behind", ", ".join(sorted(left)), kind
    if _peak_bytes() > most_bytes:
        return "memory", f"{_peak_bytes():,} bytes; {message}", kind
    return "refused", message.replace(str(folder), "..."), kind


def _left_behind(folder: Path, home: Path, before: set[str], *, only_temporary: bool) -> set[str]:
    """What an error should have taken away again."""
    left = _listing(folder) - before
    if only_temporary:
        return {name for name in left if name.endswith(".tmp")}
    return left | {n for n in _listing(home) if not n.endswith(".lock")} - {"datasets"}


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _where(error: Exception) -> str:
    """The error and the last place in cnnlab that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/cnnlab/" in f.filename] or frames
    place = re.sub(r".*/(?=cnnlab/)", "", ours[-1].filename) if ours else "?"
    line = ours[-1].lineno if ours else 0
    return f"{place}:{line}: {type(error).__name__}: {' '.join(str(error).split())}"


def _listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@contextmanager
def _at_home(place: Path, home: Path) -> Iterator[None]:
    """Work in ``place``, with the cache in ``home``."""
    here, before = Path.cwd(), os.environ.get("CNNLAB_HOME")
    os.environ["CNNLAB_HOME"] = str(home)
    os.chdir(place)
    try:
        yield
    finally:
        os.chdir(here)
        if before is None:
            del os.environ["CNNLAB_HOME"]
        else:
            os.environ["CNNLAB_HOME"] = before


def _forget_peak() -> None:
    """Have Linux count the peak of resident memory anew."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_bytes() -> int:
    """The largest resident memory since :func:`_forget_peak`; 0 where nobody counts."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0
