"""Several runs side by side: the report's table, and for each pair whether they really differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from cnnlab.errors import RunError
from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.metrics.paired import PairedComparison, compare_paired
from cnnlab.metrics.statistics import Interval
from cnnlab.runs import Run
from cnnlab.tables import ShownAsText, text_table

__all__ = ["Comparison", "Pair", "Row", "compare", "key_features", "table_row", "validated_alike"]

#: A difference is called one below this p-value (before any correction for many pairs).
_LEVEL = 0.05


@dataclass(frozen=True)
class Row:
    """One run in the table; accuracies are shares of 1, None where they were not measured.

    ``train_accuracy`` is the running mean of the chosen epoch, in training mode (as Keras
    reports it); ``inner_accuracy`` is of the images held out inside the fit.
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


@dataclass(frozen=True)
class Pair:
    """Two runs on the same validation images."""

    a: str
    b: str
    result: PairedComparison
    verdict: str


@dataclass(frozen=True)
class Comparison(ShownAsText):
    """The table, a verdict for each pair that can be compared, and why the others cannot."""

    rows: list[Row]
    pairs: list[Pair]
    not_compared: list[str]

    def to_text(self) -> str:
        """What ``cnnlab compare`` prints: the table, then what can be said of each pair."""
        header = ["run", "data", "train", "inner", "validation", "95% interval", "parameters"]
        header += ["epochs", "time", "images/s", "key features"]
        rows = [
            (
                row.run,
                row.data,
                row.train_accuracy,
                row.inner_accuracy,
                row.validation_accuracy,
                "{:.4f} to {:.4f}".format(*row.validation_interval)
                if row.validation_interval
                else None,
                row.params,
                row.epochs,
                f"{row.train_seconds:.0f} s" if row.train_seconds is not None else None,
                row.images_per_second,
                row.key_features,
            )
            for row in self.rows
        ]
        said = [f"{row.run} is {row.status}" for row in self.rows if row.status != "finished"]
        said += [pair.verdict for pair in self.pairs] + self.not_compared
        return "\n".join([text_table(header, rows), "", *said])

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab compare --json`` prints."""
        return {
            "runs": [asdict(row) for row in self.rows],
            "pairs": [
                {
                    "a": pair.a,
                    "b": pair.b,
                    "difference": pair.result.difference,
                    "interval": list(pair.result.interval),
                    "p_value": pair.result.p_value,
                    "n": pair.result.n,
                    "only_a_right": pair.result.only_a,
                    "only_b_right": pair.result.only_b,
                    "verdict": pair.verdict,
                }
                for pair in self.pairs
            ],
            "not_compared": self.not_compared,
        }


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
        words.append(f"sequential, {stages} stages of {training.stage_size:,}")
    return ", ".join(words)


def table_row(run: Run) -> Row:
    """One run's line of the comparison table."""
    chosen, result = run.chosen_epoch or {}, run.result or {}
    evaluation = evaluation_of(run, "validation")
    scores = evaluation.scores if evaluation else None
    return Row(
        run=run.name,
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
    )


def _verdict(a: str, b: str, result: PairedComparison) -> str:
    low, high = (abs(end) * 100 for end in result.interval)
    if result.p_value >= _LEVEL:
        return f"{a} and {b}: no detectable difference (p = {result.p_value:.2f}, n = {result.n:,})"
    better, worse = (a, b) if result.difference > 0 else (b, a)
    return (
        f"{better} is better than {worse} by {abs(result.difference) * 100:.1f} points "
        f"(95% CI {min(low, high):.1f} to {max(low, high):.1f}, p = {result.p_value:.2g}, "
        f"n = {result.n:,})"
    )


def _labels(runs: Sequence[Run]) -> list[str]:
    """What to call the runs: their names, or their paths where names are the same."""
    names = Counter(run.name for run in runs)
    return [run.name if names[run.name] == 1 else str(run.path) for run in runs]


def validated_alike(a: Run, b: Run) -> PairedComparison | None:
    """Compare two runs on their saved validation predictions.

    None where one of them has none, or where they are of different images.
    """
    first, second = a.predictions("validation"), b.predictions("validation")
    if first is None or second is None:
        return None
    same_data = a.split["dataset"]["fingerprint"] == b.split["dataset"]["fingerprint"]
    if not same_data or not np.array_equal(first.indices, second.indices):
        return None
    return compare_paired(first.classes == first.labels, second.classes == second.labels)


def _pair(a: Run, b: Run, name_a: str, name_b: str) -> Pair | str:
    """Compare two runs, or say why that cannot be done."""
    result = validated_alike(a, b)
    if result is not None:
        return Pair(name_a, name_b, result, _verdict(name_a, name_b, result))
    for run, name in ((a, name_a), (b, name_b)):
        if run.predictions("validation") is None:
            return f"{name_a} and {name_b}: {name} has no validation predictions"
    return f"{name_a} and {name_b}: validated on different images, so not comparable"


def compare(runs: Sequence[Run]) -> Comparison:
    """Compare two or more runs on their saved validation predictions; each counts once."""
    runs = list({run.path.resolve(): run for run in runs}.values())
    if len(runs) < 2:
        raise RunError("one run cannot be compared", expected="two or more different ones")
    named = list(zip(runs, _labels(runs), strict=True))
    outcomes = [_pair(a, b, name_a, name_b) for (a, name_a), (b, name_b) in combinations(named, 2)]
    return Comparison(
        rows=[table_row(run) for run in runs],
        pairs=[outcome for outcome in outcomes if isinstance(outcome, Pair)],
        not_compared=[outcome for outcome in outcomes if isinstance(outcome, str)],
    )
