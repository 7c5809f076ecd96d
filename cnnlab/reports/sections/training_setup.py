"""How and where it was trained, in full, so that it can be done again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from cnnlab.reports.document import Block, Code, ItemList, Paragraph, Table
from cnnlab.reports.record import RunRecord, grouped
from cnnlab.reports.section import section
from cnnlab.reports.wording import ABSENT, bytes_text, count, flattened
from cnnlab.training.start_record import start_sentences


@section("training-setup", order=50, title="Training set-up")
def training_setup(records: Sequence[RunRecord]) -> list[Block]:
    """The machine with the choices made on it, the resolved settings, and the command."""
    machines = grouped(records, lambda record: json.dumps(record.environment), _machine)
    settings = _settings(records[0]) if len(records) == 1 else _settings_side_by_side(records)
    alone = len(records) == 1
    starts = [block for record in records for block in _start(record, alone=alone)]
    breaks = [Paragraph(said) for record in records for said in _inexact(record, alone=alone)]
    remarks = [block for record in records for block in _remarks(record, alone=alone)]
    again = "\n".join(map(_command, records))
    return [
        *starts,
        *machines,
        *breaks,
        *remarks,
        *settings,
        Paragraph("The same training again:"),
        Code(again),
    ]


def _inexact(record: RunRecord, *, alone: bool) -> list[str]:
    """Where it went on under other conditions, and what that means."""
    label = "" if alone else f"{record.label}: "
    return [
        f"{label}After step {count(line['after_step'])} it went on under other conditions: "
        f"{', '.join(line['changed'])}. Its weights are not those that an uninterrupted training "
        "would have given, and the same training again may give others."
        for line in record.run.inexact
    ]


def _remarks(record: RunRecord, *, alone: bool) -> list[Block]:
    """What was remarkable before the first step."""
    texts = [str(remark["text"]) for remark in record.run.remarks]
    said = [f"{text[:1].upper()}{text[1:]}." for text in texts]
    label = "" if alone else f" of {record.label}"
    head = f"Before the first step{label} this was remarked:"
    return [Paragraph(head), ItemList(tuple(said))] if said else []


def _start(record: RunRecord, *, alone: bool) -> list[Block]:
    """Which run it started from, what it took, and what training left as it was."""
    sentences = start_sentences(record.run)
    label = [] if alone else [f"{record.label}:"]
    return [Paragraph(" ".join([*label, *sentences]))] if sentences else []


def _command(record: RunRecord) -> str:
    settings, name = record.run.path / "config.yaml", f"{record.run.name}-again"
    return shlex.join(["cnnlab", "train", "--config", str(settings), "--name", name])


def _settings(record: RunRecord) -> list[Block]:
    return [
        Table.of(
            ["Setting", "Value"],
            flattened(record.run.config),
            f"The resolved configuration of {record.label}: every default spelled out.",
            text_columns=(0, 1),
            compact=True,
        )
    ]


def _settings_side_by_side(records: Sequence[RunRecord]) -> list[Block]:
    """What differs with a column a run, then what all have in common."""
    configs = [dict(flattened(record.run.settings)) for record in records]
    keys = list(dict.fromkeys(key for config in configs for key in config))
    rows = [[key, *(config.get(key, ABSENT) for config in configs)] for key in keys]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    shared = [row[:2] for row in rows if len(set(row[1:])) == 1]
    return [
        Table.of(
            ["Setting", *(record.label for record in records)],
            differing,
            "The settings in which the runs differ, after every default is spelled out.",
            text_columns=range(len(records) + 1),
            compact=True,
        ),
        Table.of(
            ["Setting", "Value"],
            shared,
            "The settings that all runs have in common.",
            text_columns=(0, 1),
            compact=True,
        ),
    ]


def _machine(record: RunRecord) -> list[Block]:
    return [
        Table.of(
            ["Machine", "Value"],
            _facts(record.environment),
            "Where it was trained, and what was chosen there for which reason.",
            text_columns=(0, 1),
        )
    ]


def _facts(environment: dict[str, Any]) -> list[tuple[str, str]]:
    choices = environment["choices"]
    rows = [
        (kind, f"{choices[kind]['name']} ({choices[kind]['reason']})")
        for kind in ("device", "precision", "compile")
        if kind in choices
    ]
    reason = choices.get("threads_reason")
    rows.append(("threads", count(choices.get("threads")) + (f" ({reason})" if reason else "")))
    if environment.get("processes"):
        rows.append(("processes that trained it together", count(environment["processes"])))
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
