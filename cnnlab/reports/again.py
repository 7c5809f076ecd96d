"""The commands that make the runs of a report again, as they can be typed."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.data.corruptions import CORRUPTIONS, SEVERITIES
from cnnlab.evaluation.evaluate import SPLITS
from cnnlab.reports.record import RunRecord
from cnnlab.reports.seed_groups import SeedGroup
from cnnlab.runs import CorruptedPredictions, as_run_name, command_line

__all__ = ["later_commands", "report_command", "training_commands"]

#: So much of a name leaves room for what is put behind it.
_LONGEST = 80


def training_commands(group: SeedGroup) -> list[str]:
    """One command where seeds can be named in it, else one a run.

    A configuration is all there is to know of a run.
    """
    if not _in_one(group):
        return [_train(record, _again(record.slug)) for record in group.records]
    seeds = ",".join(str(record.run.settings["seed"]) for record in group.records)
    return [_train(group.records[0], _again(group.label), "--seeds", seeds)]


def later_commands(group: SeedGroup) -> list[str]:
    """What was measured of its runs beside validation, done to the runs made again."""
    commands = []
    for record in group.records:
        name = _again(record.slug)
        if _in_one(group):
            name = f"{_again(group.label)}-seed{record.run.settings['seed']}"
        if record.run.predictions("test") is not None:
            commands.append(command_line("evaluate", name, "--split", "test"))
        for split in SPLITS:
            saved = record.run.corrupted_predictions(split)
            if saved is not None:
                how = ("robustness", name, "--split", split)
                options = _robustness_options(saved, record.images_in(split))
                commands += [command_line(*how, *each) for each in options]
    return commands


def report_command(groups: Sequence[SeedGroup]) -> str:
    """What writes the report of them."""
    names = [
        name
        for group in groups
        for name in ([group.label] if _in_one(group) else [r.slug for r in group.records])
    ]
    return command_line("report", *map(_again, names))


def _again(name: str) -> str:
    return f"{as_run_name(name)[:_LONGEST]}-again"


def _in_one(group: SeedGroup) -> bool:
    """Whether ``train --seeds`` makes all of it: one split, and a name that a run can have."""
    splits = {record.run.settings["data"]["split_seed"] for record in group.records}
    return not group.is_single and len(splits) == 1 and as_run_name(group.label) == group.label


def _train(record: RunRecord, name: str, *options: str) -> str:
    settings = record.run.path / "config.yaml"
    return command_line("train", "--config", settings, *options, "--name", name)


def _robustness_options(saved: CorruptedPredictions, images: int) -> list[list[str]]:
    """What asks for the same corruptions, severities and images, where it was not all of them.

    One command for the corruptions that were measured at the same severities.
    """
    measured_at: dict[str, list[int]] = {}
    for name, severity in saved.answers:
        measured_at.setdefault(name, []).append(severity)
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, severities in measured_at.items():
        alike.setdefault(tuple(sorted(severities)), []).append(name)
    commands = []
    for levels, names in alike.items():
        options = []
        if len(names) < len(CORRUPTIONS.names()):
            options += ["--corruptions", ",".join(names)]
        if len(levels) < len(SEVERITIES):
            options += ["--severities", ",".join(map(str, levels))]
        if len(saved.indices) < images:
            options += ["--limit", str(len(saved.indices))]
        commands.append(options)
    return commands
