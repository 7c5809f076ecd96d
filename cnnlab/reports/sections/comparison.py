"""Several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from cnnlab.evaluation.compare import Comparison, Row
from cnnlab.evaluation.evaluate import SPLITS, SplitName
from cnnlab.evaluation.figures import Measured, comparison_chart
from cnnlab.reports.document import Block, Figure, ItemList, Paragraph, Table
from cnnlab.reports.record import RunRecord, comparison_of
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import SeedGroup, seed_groups
from cnnlab.reports.wording import ABSENT, count, duration, enumeration, interval_text, percent


@section("comparison", order=20, title="Comparison")
def comparison(records: Sequence[RunRecord]) -> list[Block]:
    """The table of the runs, their cost, a chart, and what can be said of each pair."""
    if len(records) < 2:
        return []
    compared = comparison_of(records)
    named = list(zip((record.label for record in records), compared.rows, strict=True))
    groups = seed_groups(records)
    summary = _over_seeds(compared)
    return [
        *summary,
        _accuracies(named, features=not summary),
        _cost(groups, dict(named)),
        *_chart(groups),
        *_verdicts(compared),
    ]


def _accuracies(named: Sequence[tuple[str, Row]], *, features: bool) -> Table:
    rows = [
        [
            label,
            percent(row.train_accuracy),
            percent(row.inner_accuracy),
            percent(row.validation_accuracy),
            interval_text(row.validation_interval) if row.validation_interval else ABSENT,
            count(row.validation_n),
            *([row.key_features] if features else []),
        ]
        for label, row in named
    ]
    header = ["Run", "Train", "Inner validation", "Validation", "95% interval", "n"]
    return Table.of(
        [*header, *(["Key features"] if features else [])],
        rows,
        "Accuracies of the epoch whose weights were kept. Train is the running mean over that "
        "epoch, in training mode; inner validation is held out inside the fit; validation (with "
        "its Wilson interval and number of images) is the fixed validation set.",
        text_columns=(0, 6) if features else (0,),
    )


def _over_seeds(compared: Comparison) -> list[Block]:
    """Mean and spread of what was trained with several seeds, and what each recipe is."""
    if not any(len(recipe.runs) > 1 for recipe, _ in compared.recipes):
        return []
    features = {row.path: row.key_features for row in compared.rows}
    rows = [
        [
            recipe.label,
            count(len(recipe.runs) if found is None else found.n),
            percent(None if found is None else found.mean),
            ABSENT if found is None or found.deviation is None else f"{100 * found.deviation:.2f}",
            ABSENT if found is None or found.interval is None else interval_text(found.interval),
            features[str(recipe.runs[0].path)],
        ]
        for recipe, found in compared.recipes
    ]
    header = ["Recipe", "Seeds", "Mean", "Standard deviation, points", "95% interval of the mean"]
    return [
        Table.of(
            [*header, "Key features"],
            rows,
            "Validation accuracy over the runs that differ in their seeds alone; the interval is "
            "Student's t over seeds: it says what training again would give on these images.",
            text_columns=(0, 5),
        )
    ]


def _cost(groups: Sequence[SeedGroup], rows_of: Mapping[str, Row]) -> Table:
    rows = []
    for group in groups:
        own = [rows_of[record.label] for record in group.records]
        seconds = [row.train_seconds for row in own if row.train_seconds is not None]
        speeds = [row.images_per_second for row in own if row.images_per_second is not None]
        rows.append(
            [
                group.label,
                count(own[0].params),
                _from_to([row.epochs for row in own if row.epochs is not None]),
                duration(fmean(seconds) if seconds else None),
                count(round(fmean(speeds)) if speeds else None),
            ]
        )
    mean = "" if all(group.is_single for group in groups) else " Of several seeds it is the mean."
    return Table.of(
        ["Run", "Parameters", "Epochs", "Training time", "Images/s"],
        rows,
        "What the runs cost. Times are those of the machine of each run (see Training set-up)."
        + mean,
    )


def _from_to(numbers: Sequence[int]) -> str:
    if not numbers:
        return ABSENT
    low, high = min(numbers), max(numbers)
    return count(low) if low == high else f"{count(low)} to {count(high)}"


def _chart(groups: Sequence[SeedGroup]) -> list[Block]:
    measured: dict[str, list[Measured | None]] = {
        split: [_measured(group, split) for group in groups] for split in SPLITS
    }
    series = {split: points for split, points in measured.items() if any(points)}
    if not series:
        return []
    labels = [group.label for group in groups]
    said = "; ".join(
        f"{label} {percent(point.value)} on {split}"
        for split, points in series.items()
        for label, point in zip(labels, points, strict=True)
        if point is not None
    )
    return [
        Figure(
            name="comparison",
            svg=comparison_chart(labels, series).svg(),
            alt=f"Top-1 accuracies with 95% intervals: {said}.",
            caption=f"Top-1 accuracy of each run; whiskers are {_whiskers(groups)}.",
        )
    ]


def _whiskers(groups: Sequence[SeedGroup]) -> str:
    over_images = any(group.is_single for group in groups)
    over_seeds = not all(group.is_single for group in groups)
    kinds = ["95% Wilson intervals over images"] if over_images else []
    kinds += ["95% t intervals of the mean over seeds"] if over_seeds else []
    return enumeration(kinds)


def _measured(group: SeedGroup, split: SplitName) -> Measured | None:
    """One run's accuracy, or the mean over seeds, with its interval."""
    if group.is_single:
        evaluation = group.shown.evaluation(split)
        scores = evaluation.scores if evaluation else None
        return Measured(scores.top1, scores.top1_interval) if scores else None
    found = group.summary(split)
    return Measured(found.mean, found.interval) if found and found.interval else None


def _verdicts(compared: Comparison) -> list[Block]:
    said = [*(pair.verdict for pair in compared.pairs), *compared.not_compared]
    if not said:
        return []
    if not compared.pairs:
        return [ItemList(tuple(said))]
    method = (
        "Each pair on the same validation images. Two runs: the difference in percentage points "
        "with its 95% interval over images (paired bootstrap; Tango's score where few differ), and "
        "McNemar's exact test. Two recipes, each trained with several seeds: Student's t over "
        "seeds."
    )
    return [Paragraph(method), ItemList(tuple(said)), *_notes(compared)]


def _notes(compared: Comparison) -> list[Block]:
    said = [f"{note[0].upper()}{note[1:]}." for note in compared.notes]
    return [Paragraph(" ".join(said))] if said else []
