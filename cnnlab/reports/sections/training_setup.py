"""How and where it was trained, in full, so that it can be done again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cnnlab.reports.again import training_commands
from cnnlab.reports.document import Block, Code, ItemList, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import SeedGroup, grouped, seed_groups
from cnnlab.reports.wording import ABSENT, bytes_text, count, flattened
from cnnlab.training.start_record import start_sentences


@section("training-setup", order=50, title="Training set-up")
def training_setup(records: Sequence[RunRecord]) -> list[Block]:
    """The machine with the choices made on it, the resolved settings, and the command."""
    machines = grouped(records, _choices_and_place, _machine)
    groups, alone = seed_groups(records), len(records) == 1
    settings = _settings(records[0]) if alone else _settings_side_by_side(groups)
    starts = [block for group in groups for block in _start(group, alone=alone)]
    breaks = [Paragraph(said) for record in records for said in _inexact(record, alone=alone)]
    remarks = [block for group in groups for block in _remarks(group, alone=alone)]
    again = "\n".join(line for group in groups for line in training_commands(group))
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


def _remarks(group: SeedGroup, *, alone: bool) -> list[Block]:
    """What was remarkable before the first step; seeds change nothing of it."""
    texts = [str(remark["text"]) for remark in group.shown.run.remarks]
    said = [f"{text[:1].upper()}{text[1:]}." for text in texts]
    label = "" if alone else f" of {group.label}"
    head = f"Before the first step{label} this was remarked:"
    return [Paragraph(head), ItemList(tuple(said))] if said else []


def _start(group: SeedGroup, *, alone: bool) -> list[Block]:
    """Which run it started from, what it took, and what training left as it was."""
    sentences = start_sentences(group.shown.run)
    label = [] if alone else [f"{group.label}:"]
    return [Paragraph(" ".join([*label, *sentences]))] if sentences else []


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


def _settings_side_by_side(groups: Sequence[SeedGroup]) -> list[Block]:
    """What differs with a column a run or group of seeds, then what all have in common."""
    configs = [_settings_of(group) for group in groups]
    keys = list(dict.fromkeys(key for config in configs for key in config))
    rows = [[key, *(config.get(key, ABSENT) for config in configs)] for key in keys]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    shared = [row[:2] for row in rows if len(set(row[1:])) == 1]
    return [
        Table.of(
            ["Setting", *(group.label for group in groups)],
            differing,
            "The settings in which the runs differ, after every default is spelled out.",
            text_columns=range(len(groups) + 1),
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


def _settings_of(group: SeedGroup) -> dict[str, str]:
    """The settings of its runs; where seeds differ, all of them."""
    configs = [dict(flattened(record.run.settings)) for record in group.records]
    if not group.is_single:
        configs = [{key: v for key, v in config.items() if key != "name"} for config in configs]
    keys = dict.fromkeys(key for config in configs for key in config)
    return {
        key: ", ".join(dict.fromkeys(config.get(key, ABSENT) for config in configs)) for key in keys
    }


def _choices_and_place(record: RunRecord) -> str:
    """All of a machine but the reasons for choices: further seeds are told what the first chose.

    When the run was made is nothing of the machine's.
    """
    known = {k: v for k, v in record.environment.items() if k not in {"choices", "created"}}
    chosen = {
        kind: choice["name"] if isinstance(choice, dict) else choice
        for kind, choice in record.environment["choices"].items()
        if not kind.endswith("_reason")
    }
    return json.dumps([known, chosen], sort_keys=True)


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
