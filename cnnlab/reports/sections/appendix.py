"""All that it takes to do it again, and to see that it is the same."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from cnnlab.files import sha256_of_file
from cnnlab.reports.document import Block, Code, Paragraph, Table
from cnnlab.reports.record import RunRecord, one_after_the_other
from cnnlab.reports.section import section

_FILES = (
    "config.yaml",
    "split.json",
    "architecture.yaml",
    "preprocessing.json",
    "metrics.jsonl",
    "checkpoints/best.safetensors",
    "predictions/validation.npz",
    "predictions/test.npz",
    "predictions/validation-corrupted.npz",
    "predictions/test-corrupted.npz",
)


@section("appendix", order=120, title="Appendix: to do it again")
def appendix(records: Sequence[RunRecord]) -> list[Block]:
    """The commands in their order, the machine and the versions, a digest of every file."""
    again = [record.run.name for record in records]
    return [
        Paragraph(
            "These commands make it all again, in this order; the trained weights have the same "
            "bytes on the same machine with the same versions."
        ),
        Code("\n".join([*(line for r in records for line in _commands(r)), _report(again)])),
        *one_after_the_other(records, _describe),
    ]


def _commands(record: RunRecord) -> list[str]:
    """What made the run, as it can be typed: its configuration is all there is to know."""
    run = record.run
    name = f"{run.name}-again"
    lines = [["cnnlab", "train", "--config", str(run.path / "config.yaml"), "--name", name]]
    if run.predictions("test") is not None:
        lines.append(["cnnlab", "evaluate", name, "--split", "test"])
    lines += [
        ["cnnlab", "robustness", name, "--split", split]
        for split in ("validation", "test")
        if run.corrupted_predictions(split) is not None
    ]
    return [shlex.join(line) for line in lines]


def _report(names: Sequence[str]) -> str:
    return shlex.join(["cnnlab", "report", *(f"{name}-again" for name in names)])


def _describe(record: RunRecord) -> list[Block]:
    return [_machine(record), _digests(record)]


def _machine(record: RunRecord) -> Table:
    environment, choices = record.environment, record.environment["choices"]
    rows = [
        ("processor", str(environment["processor"])),
        ("device, precision", f"{choices['device']['name']}, {choices['precision']['name']}"),
        *((f"{name} (training)", str(said)) for name, said in environment["versions"].items()),
        ("cnnlab (this report)", version("cnnlab")),
        ("seed, split seed", json.dumps(_seeds(record))[1:-1]),
    ]
    revision = environment.get("source_revision")
    if revision:
        rows.append(("source revision", str(revision)))
    return Table.of(
        ["What", "Value"],
        rows,
        f"What {record.label} was trained on and with.",
        text_columns=(0, 1),
        compact=True,
    )


def _seeds(record: RunRecord) -> list[int]:
    settings = record.run.settings
    return [int(settings["seed"]), int(settings["data"]["split_seed"])]


def _digests(record: RunRecord) -> Table:
    folder: Path = record.run.path
    rows = [("the images", str(record.dataset["fingerprint"]))]
    rows += [(name, sha256_of_file(folder / name)) for name in _FILES if (folder / name).is_file()]
    return Table.of(
        ["What", "SHA-256"],
        rows,
        f"Fingerprints of the data and of the files of {record.label}.",
        text_columns=(0, 1),
        compact=True,
    )
