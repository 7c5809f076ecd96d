"""What stands in a folder of runs, broken ones included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cnnlab.errors import RunError, UnknownNameError
from cnnlab.registry import suggestion
from cnnlab.runs import Run, files_of, list_runs
from cnnlab.tables import ShownAsText, bytes_text, printable, text_table
from cnnlab.workflows.tolerant import TolerantReader

__all__ = ["SORTS", "Overview", "RunLine", "overview"]


@dataclass(frozen=True)
class RunLine:
    """One run of the list; None stands where nothing is known.

    Attributes
    ----------
    status: "finished", "failed", "running", "unfinished" (cut off), "damaged", or "newer" (a
        later cnnlab wrote it).
    problem: why it is damaged or cannot be read.
    created: when its training began, ISO 8601 with the offset from UTC.
    epochs: finished ones.
    validation_accuracy: top-1 as the saved predictions give it.
    test_openings: how often test was opened.
    size_bytes: of all its files.
    """

    run: str
    path: str
    status: str
    problem: str | None
    created: str
    model: str | None
    data: str | None
    epochs: int | None
    validation_accuracy: float | None
    test_openings: int | None
    size_bytes: int


@dataclass(frozen=True)
class Overview(ShownAsText):
    """The runs of a folder."""

    folder: Path
    runs: list[RunLine]

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab runs list --json`` prints."""
        return {"folder": str(self.folder), "runs": [asdict(line) for line in self.runs]}

    def to_text(self) -> str:
        """What ``cnnlab runs list`` prints: a table, the sum, and what is wrong with which run."""
        if not self.runs:
            return f"no runs in {self.folder}"
        header = ["run", "status", "began", "model", "data", "epochs", "validation"]
        header += ["test opened", "size"]
        rows = [
            (
                line.run,
                line.status,
                line.created[:16].replace("T", " "),
                line.model,
                line.data,
                line.epochs,
                line.validation_accuracy,
                line.test_openings,
                bytes_text(line.size_bytes),
            )
            for line in self.runs
        ]
        total = bytes_text(sum(line.size_bytes for line in self.runs))
        count = "1 run" if len(self.runs) == 1 else f"{len(self.runs)} runs"
        problems = [printable(f"{line.run}: {line.problem}") for line in self.runs if line.problem]
        return "\n".join([text_table(header, rows), "", f"{count}, {total}", *problems])


def _model_name(run: Run) -> str:
    """The model's name; of a user's own file the name without folder and ending."""
    return Path(run.config["model"]["name"]).stem


def _validation_accuracy(run: Run) -> float | None:
    predictions = run.predictions("validation")
    if predictions is None:
        return None
    return float((predictions.classes == predictions.labels).mean())


def _line(run: Run) -> RunLine | None:
    """The run's line; None where it was removed while we were looking."""
    reader = TolerantReader(run)
    try:
        created = run.created.isoformat(timespec="seconds")
    except RunError:
        return None
    model = reader.read(lambda: _model_name(run), what="config.yaml")
    data = reader.read(lambda: str(run.split["dataset"]["name"]), what="split.json")
    epochs = reader.read(lambda: len(run.metrics), what="metrics.jsonl")
    accuracy = reader.read(lambda: _validation_accuracy(run), what="predictions/validation.npz")
    openings = reader.read(lambda: len(run.ledger), what="ledger.jsonl")
    status = reader.status()
    return RunLine(
        run=run.name,
        path=str(run.path),
        status=status,
        problem=reader.problems[0] if reader.problems else None,
        created=created,
        model=model,
        data=data,
        epochs=epochs,
        validation_accuracy=accuracy,
        test_openings=openings,
        size_bytes=sum(files_of(run.path).values()),
    )


def _largest_first(value: float | None) -> tuple[bool, float]:
    return value is None, -(value or 0.0)


#: What a list can be sorted by, beside the time.
_SORT_KEYS: dict[str, Callable[[RunLine], Any]] = {
    "name": lambda line: line.run,
    "size": lambda line: _largest_first(line.size_bytes),
    "validation": lambda line: _largest_first(line.validation_accuracy),
}
SORTS = ("when", *_SORT_KEYS)


def overview(folder: Path = Path("runs"), *, sort: str = "when", reverse: bool = False) -> Overview:
    """Every run in ``folder``, what cannot be read included.

    ``sort``: "when" (oldest first), "name", "size" (largest first) or "validation" (best first,
    what was not evaluated last); ``reverse`` turns the order round.
    """
    if sort not in SORTS:
        raise UnknownNameError(f"no order '{sort}'", todo=suggestion(sort, list(SORTS)))
    lines = [line for run in list_runs(folder) if (line := _line(run)) is not None]
    if sort in _SORT_KEYS:
        lines.sort(key=_SORT_KEYS[sort])
    return Overview(folder, lines[::-1] if reverse else lines)
