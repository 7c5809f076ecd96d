"""The network, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Any

from cnnlab.reports.document import Block, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import grouped
from cnnlab.reports.wording import bytes_text, count, scaled


@section("architecture", order=40, title="Architecture")
def architecture(records: Sequence[RunRecord]) -> list[Block]:
    """The layer table with parameters and cost; once for runs that share it."""
    return grouped(records, _identity, _describe)


def _identity(record: RunRecord) -> Hashable:
    return json.dumps(record.architecture, sort_keys=True)


def _shape(sizes: Sequence[int]) -> str:
    return f"(None, {', '.join(map(str, sizes))})"


def _describe(record: RunRecord) -> list[Block]:
    summary: dict[str, Any] = record.architecture
    layers = [
        [
            f"{layer['name']} ({layer['type']})",
            _shape(layer["output_shape"]),
            count(layer["params"]),
            scaled(layer["flops"], "FLOPs") if layer["flops"] else "0",
        ]
        for layer in summary["layers"]
    ]
    totals = [
        ["Total parameters", count(summary["total_params"])],
        ["Trainable parameters", count(summary["trainable_params"])],
        ["Non-trainable parameters", count(summary["non_trainable_params"])],
        ["FLOPs, one image forward", scaled(summary["flops"], "FLOPs")],
        ["Memory of the parameters (fp32)", bytes_text(summary["parameters_bytes"])],
        ["Memory of one image's activations (fp32)", bytes_text(summary["activations_bytes"])],
    ]
    return [
        Paragraph(
            f"The network “{summary['model']}” takes images {_shape(summary['input_shape'])}, "
            "height, width and channels after the batch, and gives one logit a class."
        ),
        Table.of(
            ["Layer (type)", "Output shape", "Parameters", "FLOPs"],
            layers,
            f"Layers of {summary['model']}. FLOPs are for one image: twice the multiply-adds of "
            "convolutions and dense layers.",
            text_columns=(0, 1),
        ),
        Table.of(["Total", "Value"], totals, f"{summary['model']} in numbers."),
    ]
