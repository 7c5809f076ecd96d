"""One run at a glance, however broken it is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnlab.reports.wording import count, duration, plural, setting_text
from cnnlab.runs import AnyRun, as_run, command_line
from cnnlab.tables import ShownAsText, bytes_text, printable
from cnnlab.workflows.run_facts import facts_of

__all__ = ["RunCard", "card_of"]

#: Where a subject's text begins.
_LABEL_WIDTH = 12


@dataclass(frozen=True)
class RunCard(ShownAsText):
    """What ``cnnlab runs show`` says; ``facts`` holds None where something cannot be read."""

    facts: Mapping[str, Any]

    @property
    def has_validation(self) -> bool:
        """Whether the split holds images for validation; where it cannot be read it may."""
        data = self.facts["data"]
        return data is None or data["split"]["validation"] > 0

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab runs show --json`` prints."""
        return {**self.facts, "next": self._next()}

    def to_text(self) -> str:
        """A line a subject, then the files and the commands that come next."""
        facts = self.facts
        unseen = "not evaluated" if self.has_validation else "its split holds no image"
        head = f"{facts['path']}: {facts['status']}"
        reason = (facts["training"] or {}).get("stopped_because")
        lines = [printable(f"{head} ({reason})" if reason else head)]
        lines += [printable(f"  {problem}") for problem in facts["problems"]]
        for label, said in (
            ("began", _began(facts)),
            ("group", _group(facts["group"])),
            ("model", _model(facts["model"])),
            ("start", facts["start"] or []),
            ("data", _data(facts["data"])),
            ("split", _split(facts["data"])),
            ("machine", _machine(facts["machine"])),
            ("inexact", [_inexact(line) for line in facts["inexact"] or []]),
            ("settings", _settings(facts["changed_settings"])),
            ("training", _training(facts["training"], facts["plan"])),
            ("validation", _scores(facts["validation"], unseen)),
            ("test", _scores(facts["test"], "no saved predictions")),
            ("ledger", _ledger(facts["ledger"])),
            ("files", _files(facts["files"], facts["size_bytes"])),
        ):
            lines += _labelled(label, said)
        return "\n".join([*lines, "", "next:", *(f"  {step}" for step in self._next())])

    def _next(self) -> list[str]:
        facts = self.facts
        path = facts["path"]
        status = facts["status"]
        if status == "running":
            return [shlex.join(["tail", "-n", "5", f"{path}/progress.md"])]
        if status == "newer":
            return ["upgrade cnnlab"]
        if status == "damaged":
            again = command_line("train", "--config", f"{path}/config.yaml")
            readable = facts["changed_settings"] is not None
            remove = command_line("runs", "rm", path)
            look = f"look into {shlex.quote(path)}"
            return [*([again] if readable else []), remove if facts["removable"] else look]
        if status != "finished":
            return [command_line("train", "--resume", path), command_line("runs", "rm", path)]
        steps = [command_line("report", path)]
        if facts["validation"] is None and self.has_validation:
            steps.insert(0, command_line("evaluate", path))
        if not facts["ledger"]:
            steps.append(command_line("evaluate", path, "--split", "test"))
        if any(name.startswith("checkpoints/last-") for name in facts["files"]):
            steps.append(command_line("runs", "thin", path))
        return steps


def card_of(run: AnyRun) -> RunCard:
    """Read what there is of a run; what cannot be read is named among its problems."""
    return RunCard(facts_of(as_run(run)))


def _labelled(label: str, said: list[str]) -> list[str]:
    """Lines with the label in front of the first."""
    labels = [label] + [""] * len(said)
    return [
        printable(f"  {name:<{_LABEL_WIDTH}}{line}").rstrip()
        for name, line in zip(labels, said, strict=False)
    ]


def _began(facts: Mapping[str, Any]) -> list[str]:
    version = (facts["machine"] or {}).get("cnnlab")
    when = facts["created"][:16].replace("T", " ")
    return [f"{when}, cnnlab {version}" if version else when]


def _group(group: Mapping[str, Any] | None) -> list[str]:
    if group is None:
        return []
    split = ", which draws another split for each seed" if group["vary_split"] else ""
    return [f"seed {group['seed']} of {group['name']}{split}"]


def _model(model: Mapping[str, Any] | None) -> list[str]:
    if model is None:
        return []
    shape = "x".join(map(str, model["input_shape"]))
    params, classes = count(model["total_params"]), count(model["classes"])
    return [f"{model['name']}, {params} parameters, input {shape}, {classes} classes"]


def _data(data: Mapping[str, Any] | None) -> list[str]:
    if data is None:
        return []
    return [f"{data['name']}, fingerprint {data['fingerprint'][:12]}, from {data['origin']}"]


def _split(data: Mapping[str, Any] | None) -> list[str]:
    if data is None:
        return []
    return [", ".join(f"{count(rows)} {part}" for part, rows in data["split"].items())]


def _machine(machine: Mapping[str, Any] | None) -> list[str]:
    if machine is None:
        return []
    threads = plural(machine["threads"], "thread")
    compiled = ["compiled"] if machine["compiled"] else []
    words = [machine["device"], machine["precision"], *compiled, threads, machine["processor"]]
    return [", ".join(words)]


def _inexact(line: Mapping[str, Any]) -> str:
    return f"after step {count(line['after_step'])}: {', '.join(line['changed'])}"


def _settings(changed: Mapping[str, Any] | None) -> list[str]:
    if changed is None:
        return []
    if not changed:
        return ["the model's defaults"]
    return [
        f"{key} {setting_text(entry['value'])} (default {setting_text(entry['default'])})"
        for key, entry in changed.items()
    ]


def _training(training: Mapping[str, Any] | None, plan: Mapping[str, int] | None) -> list[str]:
    if training is None:
        return []
    staged = plan is not None and plan["stages"] > 1
    words = [plural(training["epochs"], "epoch")]
    if plan is not None:
        stages = f"{plan['stages']} x " if staged else ""
        words[0] += f" of {stages}{plan['epochs']}"
    chosen = training["chosen_epoch"]
    if chosen is not None:
        stage = f"stage {chosen['stage']}, " if staged else ""
        words.append(f"its weights are those of {stage}epoch {chosen['epoch']}")
    if training["train_seconds"]:
        words.append(duration(training["train_seconds"]))
    if training["images_per_second"]:
        words.append(f"{count(round(training['images_per_second']))} images/s")
    return [", ".join(words)]


def _scores(scores: Mapping[str, Any] | None, absent: str) -> list[str]:
    if scores is None:
        return [absent]
    low, high = scores["top1_interval"]
    return [
        f"accuracy {scores['top1']:.4f} (95% interval {low:.4f} to {high:.4f}, "
        f"n = {count(scores['n'])}), macro F1 {scores['macro_f1']:.4f}, loss {scores['nll']:.4f}"
    ]


def _ledger(ledger: list[Mapping[str, Any]] | None) -> list[str]:
    if ledger is None:
        return []
    if not ledger:
        return ["test was never opened"]
    times = plural(len(ledger), "time")
    lines = [f"{entry['time']} {entry['top1']:.4f} {entry['command']}" for entry in ledger]
    return [f"test was opened {times}:", *lines]


def _files(files: Mapping[str, int], size_bytes: int) -> list[str]:
    """The sum, then what stands in the run's folder, folders as one line each."""
    places: dict[str, list[int]] = {}
    for name, size in files.items():
        top, slash, _ = name.partition("/")
        places.setdefault(top + slash, []).append(size)
    lines = [
        f"{bytes_text(sum(sizes)):>9}  {place}"
        + (f" ({plural(len(sizes), 'file')})" if place.endswith("/") else "")
        for place, sizes in places.items()
    ]
    return [f"{bytes_text(size_bytes)} in {plural(len(files), 'file')}", *lines]
