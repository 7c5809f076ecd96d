"""Curves of runs to send, and what the runs' own files say of them."""

import json


def curve_lines(epochs, *, stages=1, shift=0.0):
    """Lines of metrics.jsonl whose every number differs, with digits that float32 would lose."""
    lines = []
    for stage in range(1, stages + 1):
        for epoch in range(1, epochs + 1):
            at = 10 * stage + epoch + shift
            lines.append(
                {
                    "stage": stage,
                    "epoch": epoch,
                    "step": 7 * epoch,
                    "lr": 1e-3 / 3 / at,
                    "train_loss": 1 / at,
                    "train_accuracy": 1 - 1 / (3 * at),
                    "validation_loss": 2 / (7 * at),
                    "validation_accuracy": 1 - 1 / (7 * at),
                }
            )
    return lines


def write_lines(run, lines):
    """Let these be the run's epochs, with a time for each."""
    said = "".join(json.dumps(line) + "\n" for line in lines)
    (run.path / "metrics.jsonl").write_text(said)
    timing = [
        {
            "stage": line["stage"],
            "epoch": line["epoch"],
            "seconds": 1.25 + at / 7,
            "images_per_second": 1000 + at / 3,
        }
        for at, line in enumerate(lines)
    ]
    (run.path / "timing.jsonl").write_text("".join(json.dumps(line) + "\n" for line in timing))


def told(run):
    """What the run's own files say, as {(curve, epoch): value}, read by hand."""
    expected = {}
    pairs = zip(
        (run.path / "metrics.jsonl").read_text().splitlines(),
        (run.path / "timing.jsonl").read_text().splitlines(),
        strict=True,
    )
    for number, (line, time) in enumerate(pairs, start=1):
        record, spent = json.loads(line), json.loads(time)
        expected["learning_rate", number] = record["lr"]
        for part in ("train", "inner", "validation"):
            for figure in ("loss", "accuracy"):
                if f"{part}_{figure}" in record:
                    expected[f"{part}/{figure}", number] = record[f"{part}_{figure}"]
        expected["seconds", number] = spent["seconds"]
        expected["images_per_second", number] = spent["images_per_second"]
    return expected
