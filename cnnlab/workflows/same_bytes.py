"""Have two trainings of one configuration left the same, to the byte?"""

from __future__ import annotations

from cnnlab.errors import RunError
from cnnlab.inference import read_tensors
from cnnlab.runs import Run
from cnnlab.training.checkpoint import last_checkpoints

__all__ = ["differences", "evidence", "step_of_newest"]


def evidence(run: Run) -> dict[str, bytes]:
    """What two runs of one configuration must have the same, to the byte, by file name.

    Of the two newest checkpoints the last one alone: when the other was written is a matter of
    time.
    """
    newest = last_checkpoints(run)[:1]
    predictions = run.path / "predictions" / "validation.npz"
    paths = [run.path / "metrics.jsonl", run.best_weights, *newest, predictions]
    return {path.name: path.read_bytes() for path in paths if path.exists()}


def differences(run: Run, whole: Run) -> list[str]:
    """In what a run differs from the one that was never interrupted; empty where in nothing."""
    ours, theirs = evidence(run), evidence(whole)
    found = []
    for name in sorted({*ours, *theirs}):
        if name not in ours:
            found.append(f"{name} is missing")
        elif name not in theirs:
            found.append(f"{name} is there, and was not without a kill")
        elif ours[name] != theirs[name]:
            found.append(f"{name} differs{_detail(run, whole, name)}")
    return found


def _detail(run: Run, whole: Run, name: str) -> str:
    """Which tensors, or which lines."""
    if name == "metrics.jsonl":
        pairs = enumerate(zip(run.metrics, whole.metrics, strict=False), start=1)
        lines = [str(number) for number, (ours, theirs) in pairs if ours != theirs]
        return f" in line {lines[0]}" if lines else " in length"
    if not name.endswith(".safetensors"):
        return ""
    try:
        ours, _ = read_tensors(run.checkpoints / name)
        theirs, _ = read_tensors(whole.checkpoints / name)
    except RunError as error:
        return f" ({error})"
    apart = [
        key
        for key in sorted({*ours, *theirs})
        if key not in ours or key not in theirs or not bool((ours[key] == theirs[key]).all())
    ]
    return f" in {len(apart)} tensors, first {apart[0]}" if apart else " in its header alone"


def step_of_newest(run: Run) -> int | None:
    """The step of the newest checkpoint; None where there is none."""
    newest = last_checkpoints(run)[:1]
    return int(newest[0].stem.removeprefix("last-")) if newest else None
