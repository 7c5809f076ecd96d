"""``docs/results/fidelity.md`` from the raw records: its tables, figures and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from harness.records import DRAWS, FITS, LOCKSTEP, Record, read_records

from cnnlab.errors import RunError
from cnnlab.files import write_bytes, write_text
from cnnlab.reports.document import (
    Block,
    Document,
    Figure,
    Heading,
    ItemList,
    Paragraph,
    Table,
)
from cnnlab.reports.markdown import figure_files, render_markdown
from cnnlab.reports.wording import duration, enumeration
from versus_keras.figure import curves_figure
from versus_keras.sections import commands_section, draws_section, steps_section, versions_text
from versus_keras.statistics import MARGIN, Compared, Measure, compared, welch

__all__ = ["build_document", "write_report"]

_NOT_KNOWN = "-"


def write_report(folder: Path, target: Path) -> None:
    """Write the Markdown file ``target`` and its figures beside it from the records in ``folder``.

    Raises ``RunError`` where both sides have no setting in common yet.
    """
    document = build_document(
        read_records(folder / FITS),
        read_records(folder / LOCKSTEP),
        read_records(folder / DRAWS),
    )
    for name, content in figure_files(document).items():
        write_bytes(target.parent / name, content)
    write_text(target, render_markdown(document))


def build_document(
    records: Sequence[Record], lockstep: Sequence[Record], draws: Sequence[Record]
) -> Document:
    """Say what the records of all three comparisons hold."""
    groups = compared(records)
    if not groups:
        raise RunError("no setting that both sides have trained", todo="run fidelity.py first")
    return Document(
        title="Fidelity: the report's models in cnnlab and in Keras",
        subtitle="Do both train the same models to the same accuracy?",
        blocks=(
            *_what_is_compared(groups, records),
            *_accuracy(groups),
            *_curves(groups),
            *(steps_section(lockstep) if lockstep else ()),
            *(draws_section(draws) if draws else ()),
            *_limits(groups),
            *commands_section(groups, lockstep, draws),
        ),
        footer="Written by benchmarks/fidelity.py --report from its records.",
    )


def _what_is_compared(groups: Sequence[Compared], records: Sequence[Record]) -> list[Block]:
    images = enumeration(sorted({group.data for group in groups}))
    counted = {run["validation"]["n"] for group in groups for run in group.ours}
    hours = sum(record["cpu_seconds"] for record in records)
    return [
        Heading("What is compared"),
        Paragraph(
            f"Each model is trained by cnnlab and by Keras on the same files ({images}), with the "
            "same split, layers, loss, optimizer, batch size, stages and early stopping; initial "
            "weights, order (anew every epoch) and dropout are each side's own, so no seed has "
            "a partner. Pixels are divided by 255. The last fifth of every stage's images is "
            "held out (Keras's validation_split); a stage goes on from the last weights of the "
            "one before with a fresh optimizer; after the last stage the weights of the epoch "
            "with the lowest inner loss are taken (Keras's EarlyStopping with "
            "restore_best_weights). Their top-1 accuracy on "
            f"{enumeration([f'{count:,}' for count in sorted(counted)])} validation images is the "
            "final accuracy."
        ),
        Paragraph(
            "The sizes are small, and the accuracies with them: what counts is that both sides "
            f"have the same. {versions_text(records)}; {duration(hours)} of processor time in all."
        ),
    ]


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"


def _mean(values: Sequence[float]) -> str:
    deviation = f" ± {100 * np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{100 * np.mean(values):.2f}{deviation}"


def _measure_row(group: Compared, measure: Measure) -> tuple[str, ...]:
    difference = measure.difference
    judged = (_NOT_KNOWN,) * 4
    if difference is not None:
        within = {True: "yes", False: "no", None: "not decidable at this n"}
        judged = (
            " to ".join(map(_points, difference.interval())),
            f"{difference.equivalence_p(MARGIN):.3f}",
            within[difference.within(MARGIN)],
            "yes" if measure.inside_spread else "no",
        )
    return (
        group.model,
        f"{group.train:,} x {group.epochs}",
        measure.name,
        f"{len(measure.ours)}, {len(measure.theirs)}",
        _mean(measure.ours),
        _mean(measure.theirs),
        _points(measure.apart),
        *judged,
    )


def _accuracy(groups: Sequence[Compared]) -> list[Block]:
    measures = [(group, measure) for group in groups for measure in (group.final, group.training)]
    seeds = [
        (group.model, f"{group.train:,} x {group.epochs}", name, _list(side))
        for group in groups
        for name, side in (("cnnlab", group.final.ours), (group.keras, group.final.theirs))
    ]
    return [
        Heading("Accuracy"),
        Table.of(
            (
                "model",
                "images x epochs",
                "accuracy",
                "n",
                "cnnlab (%)",
                "Keras (%)",
                "difference (points)",
                "95% interval",
                "p",
                "within ±1 point",
                "inside the spread",
            ),
            [_measure_row(group, measure) for group, measure in measures],
            "Mean ± standard deviation over n trainings of cnnlab and of Keras. The interval is "
            "Welch's; p is that of a difference of one point or more (two one-sided tests). "
            "Within ±1 point: yes where p is under 0.05, no where the interval lies outside "
            "whole. Inside the spread: the means are no farther apart than the standard "
            "deviation of one side's seeds. Training accuracy is that on the batches "
            "while they were trained on, the mean of all epochs; it varies less.",
            text_columns=(0, 1, 2),
        ),
        ItemList(tuple(_conclusions(groups))),
        Table.of(
            ("model", "images x epochs", "side", "final validation accuracy by seed (%)"),
            seeds,
            "Every training.",
            text_columns=(0, 1, 2, 3),
        ),
    ]


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{100 * value:.2f}" for value in values)


def _conclusions(groups: Sequence[Compared]) -> Iterable[str]:
    said = {
        True: "the means lie within one point of each other",
        False: "the means lie more than one point apart",
        None: "these n decide neither way",
    }
    for kind, measures in (
        ("Final validation accuracy", [(group, group.final) for group in groups]),
        ("Training accuracy", [(group, group.training) for group in groups]),
    ):
        for verdict, words in said.items():
            names = [
                f"{group.model} at {group.train:,} images"
                for group, measure in measures
                if measure.difference and measure.difference.within(MARGIN) is verdict
            ]
            if names:
                yield f"{kind}: {enumeration(names)}: {words}."
    once = [group for group in groups if group.final.difference is None]
    if once:
        apart = max(abs(group.final.apart) for group in once)
        yield (
            f"{enumeration([group.model for group in once])}: one training or few a side, which "
            f"cannot show equality; up to {100 * apart:.2f} points apart."
        )


def _curves(groups: Sequence[Compared]) -> list[Block]:
    several = [group for group in groups if group.final.difference is not None]
    blocks: list[Block] = [Heading("Training curves")]
    for name, shown in (
        ("fidelity-seeds", several),
        ("fidelity-once", [group for group in groups if group not in several]),
    ):
        if shown:
            names = enumeration([group.model for group in shown])
            blocks.append(
                Figure(
                    name=name,
                    svg=curves_figure(shown).svg(),
                    alt=f"Training loss and inner accuracy of {names} by epoch, cnnlab and Keras",
                    caption=f"Training loss and inner accuracy of {names}. Lines are means, bands "
                    "reach from the lowest training to the highest.",
                )
            )
    if several:
        blocks.append(_epoch_table(several))
    return blocks


def _epoch_table(groups: Sequence[Compared]) -> Table:
    rows = []
    for group in groups:
        for epoch in range(group.stages * group.epochs):
            cells = [
                *_epoch_cells(group, "train_loss", epoch, 1, 3),
                *_epoch_cells(group, "inner_accuracy", epoch, 100, 2),
            ]
            rows.append((group.model, f"{group.train:,}", str(epoch + 1), *cells))
    return Table.of(
        (
            "model",
            "images",
            "epoch",
            "loss, cnnlab",
            "Keras",
            "95% interval of the difference",
            "inner accuracy, cnnlab (%)",
            "Keras (%)",
            "95% interval of the difference",
        ),
        rows,
        "Means over the seeds by epoch. The training loss is the mean over the epoch's batches "
        "while they were trained on, so it varies less than any accuracy. Of so many intervals one "
        "in twenty misses a true difference of 0.",
    )


def _epoch_cells(
    group: Compared, series: str, epoch: int, factor: float, decimals: int
) -> tuple[str, str, str]:
    """Both means of one epoch, and the interval of their difference."""
    ours, theirs = (
        [value for value in group.curve(runs, series)[:, epoch] * factor if not np.isnan(value)]
        for runs in (group.ours, group.theirs)
    )
    difference = welch(ours, theirs)
    ends = difference.interval() if difference else ()
    return (
        f"{np.mean(ours):.{decimals}f}" if ours else _NOT_KNOWN,
        f"{np.mean(theirs):.{decimals}f}" if theirs else _NOT_KNOWN,
        " to ".join(f"{end:+.{decimals}f}" for end in ends) or _NOT_KNOWN,
    )


def _limits(groups: Sequence[Compared]) -> list[Block]:
    sizes = sorted({group.train for group in groups})
    return [
        Heading("What this does not show"),
        ItemList(
            (
                "Sizes are a fraction of the report's: "
                f"{enumeration([f'{size:,}' for size in sizes])} images "
                "instead of 30,000 or 40,000, and fewer epochs. A difference that grows only in "
                "long training would not be seen in the accuracies.",
                "Both sides share one split, so the intervals speak of training again with other "
                "seeds, not of other images.",
                "The comparison is with today's Keras; the report's version is not known.",
            )
        ),
    ]
