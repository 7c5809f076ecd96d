"""What the records of ``throughput.py`` show: speeds, ratios, and shares of the peak."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Record
from harness.sessions import Section, Spread

from cnnlab.reports.document import Paragraph, Table
from rates.jobs import OURS

__all__ = ["peak_section", "speed_section"]


def speed_section(records: Sequence[Record]) -> Section:
    """Images a second of each side, and how many times as fast cnnlab is, round by round."""
    cases = dict.fromkeys((record["batch_size"], record["side"]) for record in records)
    rows = [_speed_row(records, batch_size, side) for batch_size, side in cases]
    table = Table.of(
        (
            "batch",
            "side",
            "precision",
            "images/s, median",
            "least to most",
            "cnnlab is so many times as fast, median",
            "least to most",
            "rounds",
        ),
        rows,
        "Training images a second, model F with Adamax. A ratio is of two measurements of the "
        "same round; its median is over the rounds.",
        text_columns=(1, 2),
    )
    explained = Paragraph(
        "The sides take turns, each measurement in a process of its own on the same images with "
        "the same number of threads. A step is timed from the end of the one before to its own "
        "end, reading the batch included; the first steps and what comes between epochs are left "
        "out. cnnlab: its training loop as cnnlab train runs it. Keras: model.fit on arrays of "
        "single precision in memory. torch-loader-N: a plain loop over a DataLoader with N worker "
        "processes."
    )
    return Section("Images a second in training", records, [explained, table] if rows else [])


def _speed_row(records: Sequence[Record], batch_size: int, side: str) -> tuple[str, ...]:
    def rates(of: str) -> dict[int, float]:
        return {
            record["round"]: record["images_per_second"]
            for record in records
            if (record["batch_size"], record["side"]) == (batch_size, of)
        }

    theirs, ours = rates(side), rates(OURS)
    ratios = [ours[number] / theirs[number] for number in theirs if number in ours]
    known = Spread.of(ratios).cells(".2f") if ratios and side != OURS else ("-", "-")
    precisions = {record["precision"] for record in records if record["side"] == side}
    return (
        str(batch_size),
        side,
        ", ".join(sorted(precisions)),
        *Spread.of(list(theirs.values())).cells(",.0f"),
        *known,
        str(len(theirs)),
    )


def peak_section(records: Sequence[Record]) -> Section:
    """The share of the peak of a matrix product that whole training steps reach."""
    steps = [record for record in records if record["kind"] == "share"]
    peaks = {
        (record["round"], record["precision"]): record["flops_per_second"]
        for record in records
        if record["kind"] == "peak"
    }
    cases = dict.fromkeys((record["case"], record["precision"]) for record in steps)
    rows = [
        _share_row(
            [step for step in steps if (step["case"], step["precision"]) == (case, precision)],
            peaks,
        )
        for case, precision in cases
    ]
    table = Table.of(
        (
            "model",
            "batch",
            "precision",
            "MFLOPs an image",
            "images/s, median",
            "peak, GFLOP/s, median",
            "share, median",
            "least to most",
            "rounds",
        ),
        rows,
        "Share of the peak of a matrix product that a whole training step reaches. A share is "
        "of two measurements of the same round.",
        text_columns=(0, 2),
    )
    explained = Paragraph(
        "The peak is the fastest of several square matrix products in the same precision on the "
        "same number of threads. The arithmetic is what the model needs: convolutions and dense "
        "layers, forward, for the gradients of trained kernels, and for the gradients of inputs "
        "that something trained lies below; nothing else is counted, though it takes time."
    )
    return Section("The share of the peak", records, [explained, table] if rows else [])


def _share_row(steps: Sequence[Record], peaks: dict[tuple[int, str], float]) -> tuple[str, ...]:
    rates = [step["images_per_second"] for step in steps]
    needed = steps[0]["training_flops"]
    reached = [peaks[step["round"], step["precision"]] for step in steps]
    shares = [needed * rate / peak for rate, peak in zip(rates, reached, strict=True)]
    return (
        steps[0]["case"],
        str(steps[0]["batch_size"]),
        steps[0]["precision"],
        f"{needed / 1e6:,.1f}",
        Spread.of(rates).cells(",.0f")[0],
        Spread.of(reached).cells(",.1f", 1e-9)[0],
        *Spread.of(shares).cells(".1%"),
        str(len(steps)),
    )
