"""All that it takes to do it again, and to see that it is the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from cnnlab.files import sha256_of_file
from cnnlab.reports.again import later_commands, report_command, training_commands
from cnnlab.reports.document import Block, Code, Heading, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import SeedGroup, one_after_the_other, seed_groups

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

#: Of these, what a seed changes first of all.
_RESULTS = ("checkpoints/best.safetensors", "predictions/validation.npz")


@section("appendix", order=120, title="Appendix: to do it again")
def appendix(records: Sequence[RunRecord]) -> list[Block]:
    """The commands in their order, the machine and the versions, a digest of every file."""
    groups = seed_groups(records)
    commands = [
        line for group in groups for line in (*training_commands(group), *later_commands(group))
    ]
    return [
        Paragraph(
            "These commands make it all again, in this order; the trained weights have the same "
            "bytes on the same machine with the same versions."
        ),
        Code("\n".join([*commands, report_command(groups)])),
        *one_after_the_other(records, _describe),
        *_of_all_seeds(groups),
    ]


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


def _of_all_seeds(groups: Sequence[SeedGroup]) -> list[Block]:
    """The digests of the weights and of the predictions of every run that has other seeds."""
    rows = [
        (record.label, name, sha256_of_file(record.run.path / name))
        for group in groups
        if not group.is_single
        for record in group.records
        for name in _RESULTS
        if (record.run.path / name).is_file()
    ]
    if not rows:
        return []
    return [
        Heading("Every seed", level=3),
        Table.of(
            ["Run", "File", "SHA-256"],
            rows,
            "Fingerprints of the weights and predictions of all runs that differ in their seeds.",
            text_columns=(0, 1, 2),
            compact=True,
        ),
    ]
