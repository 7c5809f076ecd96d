"""Every registered model on several datasets: trained for a moment, exported, held against."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.records import Record
from harness.sessions import Section

import cnnlab
from cnnlab.reports.document import Paragraph, Table

__all__ = ["KIND", "measure_parity", "parity_section"]

KIND = "parity"
#: Enough to move every weight; what the network is worth does not matter here.
_TRAIN, _VALIDATION, _BATCH = 256, 512, 32


def measure_parity(model: str, data: str) -> Record:
    """Train, export and say what the certificate says, as a record."""
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            "name": "moment",
            "precision": "fp32",
            "model": {"name": model},
            "data": {"source": data, "train": _TRAIN, "validation": _VALIDATION},
            "training": {"epochs": 1, "batch_size": _BATCH},
        }
        run = cnnlab.train(cnnlab.configure(settings=settings), Path(folder)).run
        exported = cnnlab.export(run.path, Path(folder, "moment.onnx"))
    certificate = exported.certificate
    return {
        "kind": KIND,
        "model": model,
        "data": data,
        "image_shape": list(certificate.facts["input_shape"]),
        "images": certificate.images,
        "split": certificate.split,
        "bytes": exported.bytes,
        "top1": certificate.top1,
        **certificate.parity.to_dict(),
    }


def parity_section(records: Sequence[Record]) -> Section:
    """The largest difference of a logit, model by model and dataset by dataset."""
    models = sorted({record["model"] for record in records})
    datasets = list(dict.fromkeys(record["data"] for record in records))
    newest = {(record["model"], record["data"]): record for record in records}
    rows = [[model, *(_cell(newest.get((model, data))) for data in datasets)] for model in models]
    shapes = {record["data"]: record["image_shape"] for record in records}
    header = [f"{data}, {'x'.join(map(str, shapes[data]))}" for data in datasets]
    table = Table.of(
        ["model", *header],
        rows,
        "Largest difference between a logit of torch and of onnxruntime, over all batch sizes.",
    )
    total = sum(batch["images"] for one in newest.values() for batch in one["batches"])
    others = sum(one["other_classes"] for one in newest.values())
    explained = Paragraph(
        f"Each model is trained for a moment on {_TRAIN} images, exported, and asked in batches "
        f"of 1, 2, 7 (256 images) and 256 (all of validation, {_VALIDATION:,} images or what the "
        f"dataset has). {total:,} answers in all; {others} of them another class where the top "
        "two logits of torch differ by more than 2e-4. The file is refused above 1e-4."
    )
    return Section("The same answers", list(records), [explained, table] if rows else [])


def _cell(record: Record | None) -> str:
    return "-" if record is None else f"{record['largest_difference']:.1e}"
