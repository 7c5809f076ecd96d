"""Whether the network is as sure as it is right."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.reports.document import Block, Figure, Note, Paragraph
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import one_after_the_other
from cnnlab.reports.wording import percent


@section("calibration", order=85, title="Confidence on validation")
def calibration(records: Sequence[RunRecord]) -> list[Block]:
    """Reliability diagram, accuracy against coverage, and what the temperature changes."""
    return one_after_the_other(records, _describe)


def _describe(record: RunRecord) -> list[Block]:
    evaluation = record.evaluation("validation")
    if evaluation is None:
        return [Note(record.without_predictions("validation"))]
    curve, found = evaluation.coverage, evaluation.calibrated
    half = percent(curve.accuracy_at(0.5))
    figure = Figure(
        name=f"{record.slug}-calibration",
        svg=evaluation.figure().svg(),
        alt=(
            f"Reliability diagram of {record.label} with an expected calibration error of "
            f"{evaluation.scores.ece:.4f}, and its accuracy against the share of images that is "
            f"answered: {half} on the surest half."
        ),
        caption=(
            f"How sure {record.label} is of its answers and how often they are right, in "
            f"{len(evaluation.bins)} bins of equally many validation images (whiskers: 95% "
            "intervals); and its accuracy where only the images of greatest confidence are "
            "answered."
        ),
    )
    said = f"On the half of the images of which it is surest, {half} are right."
    if found is not None:
        said = f"{found.to_text()[0].upper()}{found.to_text()[1:]}. {said}"
    return [figure, Paragraph(said)]
