"""The folder in which runs stand: making one, finding one, listing all."""

from __future__ import annotations

import math
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from cnnlab.errors import CnnlabError, RunError
from cnnlab.files import is_file, storage_errors, write_json, write_text
from cnnlab.registry import suggestion
from cnnlab.runs.run import Record, Run

__all__ = [
    "AnyRun",
    "as_run",
    "as_run_name",
    "as_runs",
    "create_run",
    "files_of",
    "find_run",
    "has_marks",
    "list_runs",
    "open_run",
    "open_runs",
]

#: A run, its directory, or its name in the folder ``runs``.
AnyRun = Run | str | Path

#: What every run has beside its config.yaml from its first moment on.
_MARKS = ("environment.json", "split.json", "architecture.yaml", "checkpoints", "predictions")

#: A run that is being made has such a name, which no list shows.
_HALF_MADE = ".new-run-"


#: Letters of a name that a configuration may give a run.
_LONGEST_NAME = 100

#: Runs of a group that a message names.
_MOST_NAMED = 5


def as_run_name(text: str) -> str:
    """The nearest to ``text`` that a run can be called: other letters become ``-``."""
    plain = "".join(letter if letter.isalnum() or letter in "._+-" else "-" for letter in text)
    return plain[:_LONGEST_NAME].lstrip("-._+") or "run"


def _named(folder: Path, stem: str, *, exact: bool) -> Iterable[Path]:
    yield folder / stem
    if not exact:
        yield from (folder / f"{stem}-{number}" for number in range(2, 100_000))


def create_run(folder: Path, stem: str, files: Mapping[str, str | Record], *, exact: bool) -> Run:
    """Make a run directory with its first files, all at once.

    Parameters
    ----------
    folder: where runs stand.
    stem: the name wanted; where it is taken, ``-2``, ``-3`` ... is put behind it.
    files: text, or what becomes JSON, by file name.
    exact: refuse a name that is taken (:class:`RunError`).
    """
    temporary = folder / f"{_HALF_MADE}{secrets.token_hex(8)}"
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with storage_errors(folder / stem), _making_in(folder):
        try:
            temporary.mkdir()
            _fill(temporary, files)
            for path in _named(folder, stem, exact=exact):
                try:
                    temporary.rename(path)
                except OSError:
                    if not path.exists():
                        raise
                else:
                    return Run(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    raise RunError("exists already", where=folder / stem, todo="choose another --name")


@contextmanager
def _making_in(folder: Path) -> Iterator[None]:
    """Make a run in ``folder``; where nobody else makes one just now, clear up first.

    A process that was killed, or whose disk went bad, could not remove its half-made run.
    """
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # another process makes one, or a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in folder.glob(f"{_HALF_MADE}*"):
                shutil.rmtree(left, ignore_errors=True)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _fill(folder: Path, files: Mapping[str, str | Record]) -> None:
    for name, content in files.items():
        if isinstance(content, str):
            write_text(folder / name, content)
        else:
            write_json(folder / name, content)
    for part in ("checkpoints", "predictions", "figures"):
        (folder / part).mkdir()


def open_run(path: str | Path, *, runs: Path = Path("runs")) -> Run:
    """Open a run by its directory or by its name in ``runs``.

    Raises :class:`RunError` where there is none, or where this cnnlab does not know its schema.
    """
    run = find_run(path, runs=runs)
    _ = run.config
    return run


def open_runs(names: Sequence[str | Path], *, runs: Path = Path("runs")) -> list[Run]:
    """Open each run as :func:`open_run` does.

    The name of a group of seeds, or of a grid, stands for its runs in ``runs``, by seed; one that
    a run has, too, is refused with :class:`RunError`.
    """
    known, found = list_runs(runs), list[Run]()
    for name in names:
        is_name = Path(name).name == str(name)
        members = _by_seed([r for r in known if _is_of(r, str(name))]) if is_name else []
        try:
            run = open_run(name, runs=runs)
        except RunError:
            if not members:
                raise
            found += members
            continue
        if any(member.name != run.name for member in members):
            raise RunError(
                f"a run and a group of runs are called '{name}'",
                todo=f"name the run by its folder, {run.path}, or the runs of the group one by one",
            )
        found.append(run)
    return found


def as_run(run: AnyRun, *, runs: Path = Path("runs")) -> Run:
    """The run itself, or the one that :func:`open_run` opens."""
    return run if isinstance(run, Run) else open_run(run, runs=runs)


def as_runs(runs: AnyRun | Iterable[AnyRun]) -> list[Run]:
    """One run or several, a group's name among them as :func:`open_runs` takes it."""
    several = [runs] if isinstance(runs, Run | str | Path) else runs
    found = list[Run]()
    for one in several:
        found += [one] if isinstance(one, Run) else open_runs([one])
    return found


def _is_of(run: Run, group: str) -> bool:
    try:
        known = run.group or {}
        return bool(group) and group in (known.get("name"), known.get("grid"))
    except RunError:  # a damaged one is of no group
        return False


def _by_seed(members: list[Run]) -> list[Run]:
    """Those of one group side by side, the smallest seed first: workers begin them in any order."""

    def place(run: Run) -> tuple[int, float]:
        try:
            seed = float(run.settings["seed"])
        except CnnlabError:  # a damaged one is the last
            seed = math.inf
        return groups.index((run.group or {}).get("name")), seed

    groups = [(run.group or {}).get("name") for run in members]
    return sorted(members, key=place)


def find_run(path: str | Path, *, runs: Path = Path("runs")) -> Run:
    """What :func:`open_run` opens, but unread: it may be damaged, or from a later cnnlab."""
    if not str(path):
        raise RunError("a run's name is empty", expected="a run's folder, or its name")
    for candidate in (Path(path), runs / str(path)):
        if is_file(candidate / "config.yaml"):
            # "." and ".." are no names to call a run by
            return Run(candidate if candidate.name not in {"", ".."} else candidate.resolve())
    if os.path.isdir(path):  # noqa: PTH112 - Path's raises where the path is too long
        raise RunError("no run", where=path, expected="a folder with a config.yaml")
    raise _no_run(str(path), list_runs(runs))


def _no_run(name: str, known: Sequence[Run]) -> RunError:
    """What is wrong with a name that no run has: it may be a group's."""
    members = [run.name for run in _by_seed([run for run in known if _is_of(run, name)])]
    if not members:
        todo = suggestion(Path(name).name, [run.name for run in known])
        return RunError("no such run", where=name, todo=todo)
    several = ", ".join(members[:_MOST_NAMED]) + (", …" if len(members) > _MOST_NAMED else "")
    return RunError("a group of runs", where=name, expected="one run", todo=f"name one: {several}")


def list_runs(folder: Path) -> list[Run]:
    """Every run in ``folder``, oldest first."""
    if not folder.is_dir():
        return []
    configs = folder.glob("[!.]*/config.yaml")
    dated: list[tuple[datetime, Path]] = []
    for path in configs:
        with suppress(OSError, RunError):  # removed while we were looking
            if path.is_file():
                dated.append((Run(path.parent).created, path.parent))
    return [Run(path) for _, path in sorted(dated)]


def has_marks(path: Path) -> bool:
    """Whether a folder is a run, and not somebody else's with a ``config.yaml`` in it.

    A run that lost a file or two still counts.
    """
    found = sum((path / mark).exists() for mark in _MARKS)
    return (path / "config.yaml").is_file() and found >= 2


def files_of(folder: Path) -> dict[str, int]:
    """Bytes of every file below a folder, by its path from there; a link counts as itself."""
    found: dict[str, int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            try:
                found[path.relative_to(folder).as_posix()] = path.lstat().st_size
            except FileNotFoundError:  # replaced or removed while we were looking
                continue
    return dict(sorted(found.items()))
