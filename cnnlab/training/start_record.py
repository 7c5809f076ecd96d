"""What a run took from the run that it started from: as a record, and as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnlab.models import Architecture
from cnnlab.runs import Run
from cnnlab.tables import printable
from cnnlab.training.base_run import BaseRun
from cnnlab.training.transplant import Transplant, frozen_layers

__all__ = ["start_lines", "start_lines_of", "start_record", "start_sentences"]

_NAMED_AT_MOST = 5


def start_record(
    base: BaseRun,
    transplant: Transplant,
    architecture: Architecture,
    class_names: Sequence[str],
    seen: Mapping[str, int] | str,
) -> dict[str, Any]:
    """What ``init.json`` holds; ``seen`` as :func:`cnnlab.training.seen.count_seen` says it."""
    init = base.init
    frozen = frozen_layers(architecture, init.freeze)
    kept = [name for name in class_names if name in base.class_names]
    if not (transplant.rows or transplant.whole_head):
        kept = []
    return {
        "run": init.run,
        "weights_sha256": init.weights_sha256,
        "tensors_taken": len(transplant.whole),
        "head": {
            "layers": list(transplant.head_names),
            "taken_whole": transplant.whole_head,
            "classes_taken": kept,
            "classes_drawn": [name for name in class_names if name not in kept],
            "asked": init.head,
        },
        "frozen": list(frozen),
        "params": sum(step.trainable_params for step in architecture.steps),
        "trained_params": sum(
            step.trainable_params for step in architecture.steps if step.name not in frozen
        ),
        "seen": seen if isinstance(seen, str) else dict(seen),
    }


def start_lines(record: Mapping[str, Any]) -> list[str]:
    """Say in a line each what was taken and drawn, what is frozen, and which images were seen."""
    name = Path(record["run"]).name
    weights = f"{record['run']} (weights {record['weights_sha256'][:12]})"
    lines = [
        f"starts from {weights}: {record['tensors_taken']} tensors taken as they are; "
        + _head_text(record["head"], name),
        _frozen_text(record),
    ]
    return lines + _seen_lines(record["seen"], name)


def start_lines_of(run: Run) -> list[str]:
    """What ``init.json`` says in lines; none where the run started from drawn weights."""
    record = run.start
    return [] if record is None else start_lines(record)


def start_sentences(run: Run) -> list[str]:
    """The same as sentences for a document."""
    return [f"{line[0].upper()}{line[1:]}." for line in start_lines_of(run)]


def _head_text(head: Mapping[str, Any], name: str) -> str:
    layers, taken, drawn = head["layers"][0], head["classes_taken"], head["classes_drawn"]
    if head["taken_whole"]:
        return f"the head ({layers}) among them, for the classes are the same"
    if head["asked"] == "new":
        return f"the head ({layers}) drawn anew, as asked"
    if not taken:
        return f"the head ({layers}) drawn anew, for its classes are not those of {name}"
    text = f"of the head ({layers}) the rows of {_enumerated(taken)} taken by name"
    if drawn:
        text += f", those of {_enumerated(drawn)} drawn anew"
    return text


def _frozen_text(record: Mapping[str, Any]) -> str:
    trained, params = f"{record['trained_params']:,}", f"{record['params']:,}"
    if not record["frozen"]:
        return f"nothing is frozen: all {params} parameters are trained"
    return (
        f"frozen up to {record['frozen'][-1]}: {trained} of {params} parameters are trained, "
        "and batch normalisation there keeps its moving statistics"
    )


def _seen_lines(seen: Mapping[str, int] | str, name: str) -> list[str]:
    if isinstance(seen, str):
        return [f"not checked: whether {name} was trained with validation or test images ({seen})"]
    return [
        f"{count} {part} images are exact copies of images that {name} was trained with: what "
        f"{part} shows is too good"
        for part, count in seen.items()
        if count
    ]


def _enumerated(names: Sequence[str]) -> str:
    shown = [printable(name) for name in names[:_NAMED_AT_MOST]]
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
