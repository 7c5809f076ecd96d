"""What it cost: time, parameters, computation, memory, and energy where the machine tells it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from cnnlab.evaluation.figures import resource_figure
from cnnlab.reports.document import Block, Figure, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import one_after_the_other
from cnnlab.reports.wording import bytes_text, count, decimal, duration, scaled


@section("resources", order=100, title="Cost")
def resources(records: Sequence[RunRecord]) -> list[Block]:
    """Time, speed, size, processor load, memory and, where the machine tells, heat and energy."""
    return one_after_the_other(records, _describe)


def _describe(record: RunRecord) -> list[Block]:
    samples = record.run.resources
    rows = [*_times(record), *_size(record)]
    if samples:
        loads = [s["cpu_percent"] for s in samples if s.get("cpu_percent") is not None]
        memory = [s["memory_bytes"] for s in samples if s.get("memory_bytes") is not None]
        heat = [t for s in samples if (t := s.get("temperature_celsius")) is not None]
        if loads:
            rows.append(["Mean load of all processor cores", f"{decimal(fmean(loads), 0)}%"])
        if memory:
            rows.append(["Most memory of the process", bytes_text(max(memory))])
        rows.append(
            ["Highest temperature", f"{max(heat):.0f} °C" if heat else "no sensor on this machine"]
        )
        rows.append(["Energy of the processors", _energy(samples[-1].get("energy_joules"))])
    blocks: list[Block] = []
    caption = f"What {record.label} cost; evaluation is not counted as training."
    blocks.append(Table.of(["Measure", "Value"], rows, caption))
    return [*blocks, _figure(record) if samples else _none(record)]


def _none(record: RunRecord) -> Paragraph:
    return Paragraph(
        f"{record.label} has no record of the machine's load: it was trained in less than the "
        "time between two samples, or the record is gone."
    )


def _size(record: RunRecord) -> list[list[str]]:
    summary = record.architecture
    return [
        ["Parameters", count(summary["total_params"])],
        ["Memory of the parameters (fp32)", bytes_text(summary["parameters_bytes"])],
        ["FLOPs, one image forward", scaled(summary["flops"], "FLOPs")],
    ]


def _energy(joules: float | None) -> str:
    """Of the whole machine's processors while it trained, whoever else used them."""
    if joules is None:
        return "not told by this machine"
    return f"{joules / 3600:.2f} Wh, whatever else ran on them included"


def _times(record: RunRecord) -> list[list[str]]:
    timing = record.run.timing
    if not timing:
        return []
    seconds = [line["seconds"] for line in timing]
    rows = [
        ["Epochs timed", count(len(timing))],
        ["Mean time of an epoch", duration(fmean(seconds))],
        ["Shortest to longest epoch", f"{duration(min(seconds))} to {duration(max(seconds))}"],
    ]
    if record.result.get("train_seconds") is not None:
        rows.insert(0, ["Training time", duration(record.result["train_seconds"])])
    if record.result.get("images_per_second") is not None:
        rows.append(["Training images a second", count(round(record.result["images_per_second"]))])
    return rows


def _figure(record: RunRecord) -> Figure:
    samples = record.run.resources
    picture = resource_figure(
        [sample["seconds"] for sample in samples],
        [sample.get("cpu_percent") for sample in samples],
        [sample.get("memory_bytes") for sample in samples],
        [sample.get("temperature_celsius") for sample in samples],
    )
    return Figure(
        name=f"{record.slug}-resources",
        svg=picture.svg(),
        alt=(
            f"Processor load, memory and, where known, temperature during the training of "
            f"{record.label}, {count(len(samples))} samples."
        ),
        caption=(
            f"The machine during the training of {record.label}: load of all cores together (100% "
            "is every core busy) and memory of the process."
        ),
    )
