"""One run's line of the comparison: the report's table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.metrics import Interval
from cnnlab.runs import Run
from cnnlab.tables import text_table

__all__ = ["Row", "key_features", "rows_text", "table_row"]


@dataclass(frozen=True)
class Row:
    """One run in the table; accuracies are shares of 1, None where they were not measured.

    ``train_accuracy`` is the running mean of the chosen epoch, in training mode (as Keras
    reports it); ``inner_accuracy`` is of the images held out inside the fit. ``recipe`` is what
    runs that differ in their seed alone have in common. What test showed is there only where it
    was asked for, and how often it was opened with it.
    """

    run: str
    path: str
    status: str
    data: str
    train_accuracy: float | None
    inner_accuracy: float | None
    validation_accuracy: float | None
    validation_interval: Interval | None
    validation_n: int | None
    params: int
    epochs: int | None
    train_seconds: float | None
    images_per_second: float | None
    key_features: str
    recipe: str
    seed: int
    test_accuracy: float | None = None
    test_interval: Interval | None = None
    test_n: int | None = None
    test_openings: int | None = None


def _layers_in_words(run: Run) -> list[str]:
    recorded = run.architecture().to_dict()
    if "builder" in recorded:
        return [str(recorded["builder"])]
    types = Counter(str(layer["type"]) for layer in recorded["layers"])
    kinds = (
        ("Conv2D", "Conv2D"),
        ("Pooling2D", "pooling"),
        ("Dense", "Dense"),
    )
    counted = [
        (sum(count for name, count in types.items() if name.endswith(ending)), word)
        for ending, word in kinds
    ]
    words = [" + ".join(f"{count} {word}" for count, word in counted if count)]
    return words + [
        name for name in ("BatchNormalization", "SpatialDropout2D", "Dropout") if types[name]
    ]


def key_features(run: Run) -> str:
    """What sets a run apart, in words: layers, optimizer, batch size, way of training."""
    config = run.typed_config()
    training, optimizer = config.training, config.optimizer
    words = [*_layers_in_words(run), f"{optimizer.name} {optimizer.lr:g}"]
    if optimizer.weight_decay:
        words.append(f"weight decay {optimizer.weight_decay:g}")
    words.append(f"batch {training.batch_size}")
    if training.mode == "sequential":
        stages = max((record["stage"] for record in run.metrics), default=0)
        noun = "stage" if stages == 1 else "stages"
        words.append(f"sequential, {stages} {noun} of {training.stage_size:,}")
    return ", ".join(words)


def table_row(
    run: Run, recipe: str | None = None, *, label: str | None = None, on_test: bool = False
) -> Row:
    """One run's line of the comparison table, under its name or ``label``.

    ``on_test``: with what test showed.
    """
    chosen, result = run.chosen_epoch or {}, run.result or {}
    evaluation = evaluation_of(run, "validation")
    scores = evaluation.scores if evaluation else None
    row = Row(
        run=label or run.name,
        path=str(run.path),
        status=run.status,
        data=str(run.split["dataset"]["name"]),
        train_accuracy=chosen.get("train_accuracy"),
        inner_accuracy=chosen.get("inner_accuracy"),
        validation_accuracy=scores.top1 if scores else None,
        validation_interval=scores.top1_interval if scores else None,
        validation_n=scores.n if scores else None,
        params=run.architecture().summary().total_params,
        epochs=result.get("epochs"),
        train_seconds=result.get("train_seconds"),
        images_per_second=result.get("images_per_second"),
        key_features=key_features(run),
        recipe=recipe or run.name,
        seed=run.settings["seed"],
    )
    if not on_test:
        return row
    tested = evaluation_of(run, "test")
    return replace(
        row,
        test_accuracy=tested.scores.top1 if tested else None,
        test_interval=tested.scores.top1_interval if tested else None,
        test_n=tested.scores.n if tested else None,
        test_openings=len(run.ledger),
    )


def rows_text(rows: Sequence[Row], *, on_test: bool) -> str:
    """The table as a terminal shows it."""
    header = ["run", "data", "train", "inner", "validation", "95% interval"]
    header += ["test", "95% interval"] if on_test else []
    header += ["parameters", "epochs", "time", "images/s", "key features"]
    return text_table(header, [_cells(row, on_test=on_test) for row in rows])


def _cells(row: Row, *, on_test: bool) -> list[object]:
    seconds = row.train_seconds
    return [
        row.run,
        row.data,
        row.train_accuracy,
        row.inner_accuracy,
        row.validation_accuracy,
        _range(row.validation_interval),
        *([row.test_accuracy, _range(row.test_interval)] if on_test else []),
        row.params,
        row.epochs,
        None if seconds is None else f"{seconds:.0f} s",
        None if row.images_per_second is None else round(row.images_per_second),
        row.key_features,
    ]


def _range(interval: Interval | None) -> str | None:
    return None if interval is None else "{:.4f} to {:.4f}".format(*interval)
