"""A run in a few lines, for whoever has one at hand in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cnnlab.errors import CnnlabError
from cnnlab.tables import printable

if TYPE_CHECKING:
    from cnnlab.runs.run import Run

__all__ = ["glance"]


def glance(run: Run) -> str:
    """What it is and how far; what cannot be read is said in its place."""
    lines = [f"{run.path}: {_read(lambda: run.status)}"]
    for label, tell in (
        ("model", lambda: str(run.config["model"]["name"])),
        ("data", lambda: _data(run)),
        ("trained", lambda: _trained(run)),
        ("chosen", lambda: _chosen(run)),
        ("test", lambda: _test(run)),
    ):
        lines.append(f"  {label:<8}{_read(tell)}")
    return "\n".join(printable(line) for line in lines)


def _read(tell: Callable[[], str]) -> str:
    try:
        return tell()
    except (CnnlabError, LookupError, TypeError) as error:
        return f"cannot be read ({error})"


def _data(run: Run) -> str:
    parts = (f"{len(run.split[part]):,} {part}" for part in ("train", "validation", "test"))
    return f"{run.split['dataset']['name']}: {', '.join(parts)}"


def _trained(run: Run) -> str:
    result = run.result
    if result is None:
        return f"{len(run.metrics)} epochs so far"
    return (
        f"{result['epochs']} epochs in {result['train_seconds']:.1f} s, {result['stopped_because']}"
    )


def _chosen(run: Run) -> str:
    record = run.chosen_epoch
    return "no epoch yet" if record is None else ", ".join(_figures(record))


def _figures(record: dict[str, object]) -> Iterator[str]:
    yield f"stage {record['stage']}, epoch {record['epoch']}"
    for key, value in record.items():
        if key.endswith("_accuracy"):
            yield f"{key.removesuffix('_accuracy')} accuracy {value:.4f}"


def _test(run: Run) -> str:
    times = len(run.ledger)
    return "sealed" if not times else f"opened {times} time{'s' if times > 1 else ''}"
