"""How loss and accuracy moved."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from cnnlab.evaluation.figures import SERIES, StageCurves, learning_curves
from cnnlab.reports.document import Block, Figure, Note, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import one_after_the_other
from cnnlab.reports.wording import count, decimal, percent, plural

_KEYS = {"train": "train", "inner validation": "inner", "validation": "validation"}


@section("learning-curves", order=60, title="Learning curves")
def curves(records: Sequence[RunRecord]) -> list[Block]:
    """A figure a run with its stages, and each stage's last epoch in numbers."""
    return one_after_the_other(records, _describe)


def _stages(metrics: Sequence[dict[str, Any]]) -> list[StageCurves]:
    stages = []
    for number, group in groupby(metrics, key=lambda line: int(line["stage"])):
        lines = list(group)
        present = [name for name in SERIES if any(f"{_KEYS[name]}_loss" in line for line in lines)]
        loss, accuracy = (
            {name: [line.get(f"{_KEYS[name]}_{what}") for line in lines] for name in present}
            for what in ("loss", "accuracy")
        )
        stages.append(StageCurves(number, loss, accuracy))
    return stages


def _describe(record: RunRecord) -> list[Block]:
    if not record.metrics:
        return [Note(f"{record.label} has not finished an epoch, so there is no curve yet.")]
    stages = _stages(record.metrics)
    names = [name for name in SERIES if any(name in stage.loss for stage in stages)]
    epochs = plural(sum(stage.epochs for stage in stages), "epoch")
    what = epochs if len(stages) == 1 else f"{epochs} in {len(stages)} stages"
    return [
        Figure(
            name=f"{record.slug}-learning-curves",
            svg=learning_curves(stages).svg(),
            alt=(
                f"Loss and accuracy of {record.label} over {what}, for {', '.join(names)}; the "
                "numbers of each stage's last epoch are in the table below."
            ),
            caption=(
                f"Learning curves of {record.label}: {what}. Train is the running mean over the "
                "epoch, in training mode; the others are measured at its end."
            ),
        ),
        _last_epochs(record, stages, names),
        *_chosen(record),
    ]


def _last_epochs(record: RunRecord, stages: Sequence[StageCurves], names: Sequence[str]) -> Table:
    header = ["Stage", "Epochs"]
    header += [f"{name} {what}" for name in names for what in ("loss", "accuracy")]
    rows = []
    for stage in stages:
        row = [str(stage.stage), count(stage.epochs)]
        for name in names:
            row += [
                decimal((stage.loss.get(name) or [None])[-1]),
                percent((stage.accuracy.get(name) or [None])[-1]),
            ]
        rows.append(row)
    return Table.of(header, rows, f"The last epoch of each stage of {record.label}.")


def _chosen(record: RunRecord) -> list[Block]:
    chosen = record.result.get("chosen_epoch")
    if not chosen:
        return []
    rule = record.run.config.get("training", {}).get("weights", "best")
    return [
        Paragraph(
            f"The weights kept are those of stage {chosen['stage']}, epoch {chosen['epoch']} "
            f"(training.weights: {rule})."
        )
    ]
