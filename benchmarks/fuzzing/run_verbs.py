"""The small runs that are damaged, and what each verb that reads runs says of one."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fuzzing.case import write_files

__all__ = ["VERBS", "answer", "files_of", "run_of", "sound", "written"]

_FIXTURES = Path(__file__).parents[2] / "tests" / "fixtures"
_WHOLE, _CUT = "run-schema-1", "run-schema-1-cut"


@lru_cache(maxsize=4)
def files_of(name: str) -> dict[str, bytes]:
    root = _FIXTURES / name
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    return {name: _written_now(root / name) or data for name, data in files.items()}


def _written_now(path: Path) -> bytes | None:
    """A checkpoint as this version writes it; None for other files."""
    if path.suffix != ".safetensors":
        return None
    from cnnlab.inference import read_tensors
    from cnnlab.training.checkpoint import save_tensors

    tensors, header = read_tensors(path)
    with tempfile.TemporaryDirectory() as folder:
        copy_of_it = Path(folder) / path.name
        save_tensors(copy_of_it, tensors, header)
        return copy_of_it.read_bytes()


def _plain(thing: Any) -> Any:
    """What ``--json`` and the terminal show of something, without the folder it is in."""
    told = json.loads(json.dumps(thing.to_dict(), allow_nan=False))
    thing.to_text()
    return told


def _list(folder: Path) -> Any:
    from cnnlab.workflows.overview import overview

    told = _plain(overview(folder))["runs"]
    return [{k: v for k, v in line.items() if k not in ("created", "size_bytes")} for line in told]


def _show(folder: Path) -> Any:
    from cnnlab.runs import find_run
    from cnnlab.workflows.run_card import card_of

    told = _plain(card_of(find_run(folder / "run")))
    return {k: v for k, v in told.items() if k not in ("created", "size_bytes", "files")}


def _compare(folder: Path) -> Any:
    from cnnlab.evaluation.compare import compare
    from cnnlab.runs import open_run

    return _plain(compare([open_run(folder / "run"), open_run(folder / "sound")]))


def _evaluate(folder: Path) -> Any:
    from cnnlab.evaluation.evaluate import evaluate
    from cnnlab.runs import open_run

    return _plain(evaluate(open_run(folder / "run"), "validation"))


def _report(folder: Path) -> Any:
    from cnnlab.reports import write_report
    from cnnlab.runs import open_run

    write_report([open_run(folder / "run")], folder / "report")
    return None


def _start(folder: Path) -> Any:
    from cnnlab.workflows.configure import configure

    return configure(settings={"init": {"run": str(folder / "run")}}).to_dict()


def _resume(folder: Path) -> Any:
    from cnnlab.runs import open_run
    from cnnlab.training.loop import resume

    run = resume(open_run(folder / "run"), inexact=True)
    newest = sorted(run.checkpoints.glob("last-*.safetensors"))[-1]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in (run.best_weights, newest)]


VERBS: dict[str, Callable[[Path], Any]] = {
    "list": _list,
    "show": _show,
    "compare": _compare,
    "evaluate": _evaluate,
    "report": _report,
    "start": _start,
    "resume": _resume,
}


@lru_cache(maxsize=1)
def _kept_home() -> tempfile.TemporaryDirectory[str]:
    """A cache that stays while the process lives: the digits are decoded into it once."""
    return tempfile.TemporaryDirectory(prefix="fuzz-home-")


def answer(verb: str, folder: Path) -> Any:
    """What a verb says of the run in ``folder``, wherever that is."""
    os.environ["CNNLAB_HOME"] = _kept_home().name
    told = json.dumps(VERBS[verb](folder))
    return json.loads(told.replace(str(folder), "..."))


@lru_cache(maxsize=16)
def sound(verb: str, without: str = "") -> Any:
    """What a verb says of the sound run, or of one that lacks a file."""
    files = {name: data for name, data in files_of(run_of(verb)).items() if name != without}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "case"
        write_files(folder, written(verb, files))
        return answer(verb, folder)


def run_of(verb: str) -> str:
    return _CUT if verb == "resume" else _WHOLE


def written(verb: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The run's files, with a sound run beside it where there have to be two."""
    written = {f"run/{name}": data for name, data in files.items()}
    if verb == "compare":
        written |= {f"sound/{name}": data for name, data in files_of(_WHOLE).items()}
    return written
