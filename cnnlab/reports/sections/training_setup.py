"""How and where it was trained, in full, so that it can be done again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from cnnlab.reports.document import Block, Code, Paragraph, Table
from cnnlab.reports.record import RunRecord, one_after_the_other
from cnnlab.reports.section import section
from cnnlab.reports.wording import bytes_text, count, flattened


@section("training-setup", order=50, title="Training set-up")
def training_setup(records: Sequence[RunRecord]) -> list[Block]:
    """The machine with the choices made on it, and the resolved configuration."""
    return one_after_the_other(records, _describe)


def _describe(record: RunRecord) -> list[Block]:
    settings, name = record.run.path / "config.yaml", f"{record.run.name}-again"
    command = ["cnnlab", "train", "--config", str(settings), "--name", name]
    return [
        Table.of(
            ["Machine", "Value"],
            _machine(record.environment),
            f"Where {record.label} was trained, and what was chosen there for which reason.",
            text_columns=(0, 1),
        ),
        Table.of(
            ["Setting", "Value"],
            flattened(record.run.config),
            f"The resolved configuration of {record.label}: every default spelled out.",
            text_columns=(0, 1),
            compact=True,
        ),
        Paragraph("The same training again:"),
        Code(shlex.join(command)),
    ]


def _machine(environment: dict[str, Any]) -> list[tuple[str, str]]:
    choices = environment["choices"]
    rows = [
        (kind, f"{choices[kind]['name']} ({choices[kind]['reason']})")
        for kind in ("device", "precision")
    ]
    rows.append(("threads", count(choices.get("threads"))))
    if environment.get("accelerator"):
        rows.append(("accelerator", str(environment["accelerator"])))
    rows += [
        ("processor", f"{environment['processor']}, {environment['cores']} cores usable"),
        ("memory", bytes_text(environment["memory_bytes"])),
        ("system", f"{environment['system']} ({environment['machine']})"),
        ("Python", str(environment["python"])),
    ]
    rows += [(name, str(version)) for name, version in environment["versions"].items()]
    if environment.get("source_revision"):
        rows.append(("source revision", str(environment["source_revision"])))
    return rows
