"""What a run says while it trains: a line an epoch for programs, ``progress.md`` for people."""

from __future__ import annotations

from pathlib import Path

from cnnlab.files import write_text
from cnnlab.metrics.statistics import wilson_interval
from cnnlab.runs import Run
from cnnlab.training.start_record import start_sentences

__all__ = ["write_progress"]

_COLUMNS = {
    "stage": "stage",
    "epoch": "epoch",
    "train_loss": "train loss",
    "train_accuracy": "train accuracy",
    "inner_loss": "inner loss",
    "inner_accuracy": "inner accuracy",
    "validation_loss": "validation loss",
    "validation_accuracy": "validation accuracy",
}


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _epoch_table(run: Run) -> list[str]:
    records = run.metrics
    if not records:
        return ["No epoch is finished yet."]
    shown = [key for key in _COLUMNS if any(key in record for record in records)]
    timing = {(line["stage"], line["epoch"]): line for line in run.timing}
    lines = [
        "| " + " | ".join([_COLUMNS[key] for key in shown] + ["seconds", "images/s"]) + " |",
        "|" + " ---: |" * (len(shown) + 2),
    ]
    for record in records:
        time = timing.get((record["stage"], record["epoch"]), {})
        cells = [_cell(record.get(key, "")) for key in shown]
        for key, form in (("seconds", ".1f"), ("images_per_second", ".0f")):
            cells.append(format(time[key], form) if key in time else "")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _result_lines(run: Run) -> list[str]:
    result = run.result
    if result is None:
        return ["In progress (or cut off: `cnnlab train --resume` goes on)."]
    lines = [
        f"{result['status'].capitalize()} after {result['epochs']} epochs and "
        f"{result['train_seconds']:.1f} s of training: {result['stopped_because']}."
    ]
    predictions = run.predictions("validation")
    if predictions is not None:
        count = len(predictions.labels)
        right = int((predictions.classes == predictions.labels).sum())
        low, high = wilson_interval(right, count)
        lines.append(
            f"Validation accuracy {right / count:.4f} "
            f"(95% interval {low:.4f} to {high:.4f}, n = {count})."
        )
    return lines


def write_progress(run: Run) -> None:
    """Write ``progress.md`` anew: the layer table, a line an epoch, the result."""
    summary = _layer_table(run)
    dataset = run.split["dataset"]
    parts = ", ".join(f"{len(run.split[part])} {part}" for part in ("train", "validation", "test"))
    text = [
        f"# {run.name}",
        "",
        f"{dataset['name']}: {parts}.",
        *start_sentences(run),
        "",
        "```text",
        summary,
        "```",
        "",
        *_epoch_table(run),
        "",
        *_result_lines(run),
        "",
    ]
    content, path = "\n".join(text), run.path / "progress.md"
    # A run that has ended may lie where nothing can be written; what it says is no news there.
    if _content(path) != content:
        write_text(path, content)


def _layer_table(run: Run) -> str:
    """``summary.txt``, or where that is damaged, what it says."""
    return (_content(run.path / "summary.txt") or run.architecture().summary().to_text()).rstrip()


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
