"""The document of an ablation: what each ingredient is worth, and how sure that is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from cnnlab.evaluation.ablation import Effect, sentence_of
from cnnlab.evaluation.figures import Estimate, forest_plot
from cnnlab.metrics import LEVEL
from cnnlab.reports.document import (
    Block,
    Code,
    Document,
    Figure,
    Heading,
    ItemList,
    Note,
    Paragraph,
    Table,
)
from cnnlab.reports.wording import ABSENT, count, decimal, percent, plural, setting_text
from cnnlab.runs import Run

__all__ = ["AblationRecord", "Variant", "build_ablation"]


@dataclass(frozen=True)
class Variant:
    """A variant's accuracies, and the settings in which it differs from the whole."""

    effect: Effect
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class AblationRecord:
    """All that the document says.

    Attributes
    ----------
    target: the recipe or model.
    variants: the whole configuration first.
    images: validation images that each accuracy is of.
    failed: trainings that broke down, in words.
    command: what was typed.
    run: one of the whole configuration's, for data and settings; None where none was finished.
    """

    target: str
    variants: tuple[Variant, ...]
    images: int
    failed: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    run: Run | None = None


def build_ablation(record: AblationRecord) -> Document:
    """Findings in sentences, the table, the figure, and what each variant changes."""
    blocks: list[Block] = [
        Heading("What matters"),
        Paragraph(_subject(record)),
        *[Note(text) for text in record.failed],
        *_sentences(record),
        Heading("Measured"),
        _table(record),
        *_figure(record),
        Heading("What was left out"),
        _changes(record),
        Heading("Method"),
        Paragraph(_METHOD),
        *_again(record),
    ]
    return Document(
        title=f"What each part of {record.target} is worth",
        subtitle="Ablation: one ingredient left out at a time",
        blocks=tuple(blocks),
        footer=f"Written by cnnlab {version('cnnlab')}.",
    )


_METHOD = (
    "Every variant was trained with the same seeds on the same split. A difference is the variant "
    "minus the whole, seed by seed; its interval and p-value are Student's t over these pairs, and "
    "p-values are adjusted for the number of variants (Holm, 1979). They say what another seed "
    "would give on these images, not what other images would. Nothing was tuned again for a "
    f"variant. Called real is what has an adjusted p below {LEVEL:g}."
)


def _subject(record: AblationRecord) -> str:
    whole = record.variants[0].effect
    text = f"{record.target} as a whole reaches {percent(whole.mean)} on validation"
    if whole.deviation is not None:
        text += f" (standard deviation {100 * whole.deviation:.2f} points)"
    text += f", over {plural(whole.n, 'seed')} and {count(record.images)} images."
    if record.run is not None:
        training = record.run.config["training"]
        dataset = record.run.split["dataset"]["name"]
        text += (
            f" It was trained on {plural(len(record.run.split['train']), 'image')} of {dataset} for"
            f" up to {plural(training['epochs'], 'epoch')}."
        )
    return text


def _sentences(record: AblationRecord) -> list[Block]:
    whole, others = record.variants[0].effect, [one.effect for one in record.variants[1:]]
    # Those that cost most first; what was not measured last.
    ordered = sorted(others, key=lambda one: one.difference.value if one.difference else 1.0)
    return [ItemList(tuple(sentence_of(one, whole) for one in ordered))] if ordered else []


def _table(record: AblationRecord) -> Table:
    header = ["Variant", "n", "Mean", "sd", "Difference", "95% interval", "p", "p (Holm)"]
    return Table.of(
        header,
        [_row(variant.effect) for variant in record.variants],
        f"Top-1 accuracy on {count(record.images)} validation images: mean and standard deviation "
        "over n seeds, difference from the whole in percentage points.",
    )


def _row(effect: Effect) -> Sequence[str]:
    head = [effect.title, str(effect.n), percent(effect.mean)]
    spread = ABSENT if effect.deviation is None else f"{100 * effect.deviation:.2f}"
    if effect.difference is None or effect.estimate is None:
        return [*head, spread, *[ABSENT] * 4]
    mean, low, high = (100 * value for value in effect.estimate)
    interval = f"{low:+.2f} to {high:+.2f}"
    p_values = (decimal(effect.difference.p_value), decimal(effect.p_holm))
    return [*head, spread, f"{mean:+.2f}", interval, *p_values]


def _figure(record: AblationRecord) -> list[Block]:
    estimates = [
        Estimate(one.title, *one.estimate, real=(one.p_holm or 0.0) < LEVEL)
        for one in (variant.effect for variant in record.variants[1:])
        if one.estimate is not None
    ]
    if not estimates:
        return []
    said = "; ".join(
        f"{one.name} {100 * one.value:+.2f} points ({100 * one.low:+.2f} to {100 * one.high:+.2f})"
        for one in estimates
    )
    return [
        Figure(
            name="ablation",
            svg=forest_plot(estimates, reference=f"{record.target} as a whole").svg(),
            alt=f"Differences of accuracy with 95% intervals: {said}.",
            caption="Differences from the whole with 95% intervals over seeds; filled dots are "
            "real after Holm's adjustment. Intervals far wider than the others are cut off.",
        )
    ]


def _changes(record: AblationRecord) -> Table:
    rows = [
        (variant.effect.title, key, setting_text(value))
        for variant in record.variants[1:]
        for key, value in variant.changes.items()
    ]
    return Table.of(
        ["Variant", "Setting", "Value"],
        rows,
        "The settings in which each variant differs from the whole.",
        text_columns=(0, 1, 2),
        compact=True,
    )


def _again(record: AblationRecord) -> list[Block]:
    if not record.command:
        return []
    return [Paragraph("The same again:"), Code(shlex.join(record.command))]
