"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.reports.document import Block, Note
from cnnlab.reports.parts import confusion_blocks, scores_table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import one_after_the_other


@section("confusion", order=70, title="Validation results and confusion matrix")
def confusion(records: Sequence[RunRecord]) -> list[Block]:
    """Metrics on the validation images, and the matrix as heat map and table."""
    return one_after_the_other(records, _describe)


def _describe(record: RunRecord) -> list[Block]:
    evaluation = record.evaluation("validation")
    if evaluation is None:
        return [Note(record.without_predictions("validation"))]
    return [scores_table(evaluation), *confusion_blocks(evaluation, record.slug)]
