"""How accuracy holds under corruption."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.data.corruptions import CORRUPTIONS
from cnnlab.evaluation.evaluate import SPLITS
from cnnlab.evaluation.robustness import robustness_of
from cnnlab.evaluation.robustness_scores import Robustness
from cnnlab.reports.document import Block, Figure, Heading, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.wording import count, enumeration, interval_text, percent, plural


@section("robustness", order=95, title="Robustness")
def robustness(records: Sequence[RunRecord]) -> list[Block]:
    """Accuracy under each corruption and severity, for runs that were measured so."""
    blocks: list[Block] = []
    for record in records:
        measured = [found for split in SPLITS if (found := robustness_of(record.run, split))]
        if measured and len(records) > 1:
            blocks.append(Heading(record.label, level=3))
        for found in measured:
            blocks += _describe(record, found)
    return blocks


def _describe(record: RunRecord, found: Robustness) -> list[Block]:
    error, drop = found.mean_corruption_error, found.drop(found.mean_corruption_error)
    lost = "" if drop is None else f", so {percent(drop, 1)} of it is lost"
    what = f"{count(found.n)} {found.split} images of {record.label}"
    return [
        Paragraph(
            f"The {what} were corrupted in {plural(len(found.corruptions), 'way')} of "
            f"CIFAR-10-C (Hendrycks and Dietterich, 2019; frost is drawn here), at "
            f"{plural(len(found.severities), 'severity').replace('ys', 'ies')}. Accuracy is "
            f"{percent(found.clean.value)} on clean images and {percent(1 - error)} on corrupted "
            f"ones on average{lost}. The mean corruption error is {percent(error)} (95% interval "
            f"{interval_text(found.mean_corruption_error_interval)} over images; not normalised by "
            "another network's)."
        ),
        Figure(
            name=f"{record.slug}-robustness-{found.split}",
            svg=found.picture().svg(),
            alt=f"Accuracy against severity, a panel for each corruption, of the {what}.",
            caption=(
                f"Accuracy of the {what} under each corruption; whiskers are 95% Wilson "
                "intervals, the dashed line is the accuracy on clean images."
            ),
        ),
        _table(found, what),
        *_left_out(found),
    ]


def _left_out(found: Robustness) -> list[Block]:
    """What was measured of some corruptions alone."""
    titles: dict[str, list[str]] = {}
    for name, severity in found.left_out:
        titles.setdefault(CORRUPTIONS.get(name).title, []).append(str(severity))
    said = [
        f"{title} at {'severity' if len(levels) == 1 else 'severities'} {enumeration(levels)}"
        for title, levels in titles.items()
    ]
    if not said:
        return []
    return [
        Paragraph(
            f"Measured but not shown, since not all of these corruptions were: {enumeration(said)}."
        )
    ]


def _table(found: Robustness, what: str) -> Table:
    rows = [
        [
            entry.title,
            entry.family,
            *(percent(cell.value) for cell in cells),
            percent(error),
            percent(found.drop(error), 1),
        ]
        for entry, cells, error in zip(
            found.corruptions, found.accuracies, found.errors, strict=True
        )
    ]
    return Table.of(
        ["Corruption", "Family", *map(str, found.severities), "Mean error", "Accuracy lost"],
        rows,
        f"Accuracy of the {what} by severity, the mean error, and the share of the clean accuracy "
        "that is lost.",
        text_columns=(0, 1),
        compact=True,
    )
