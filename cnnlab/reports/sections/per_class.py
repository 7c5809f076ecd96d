"""How each class fared on the validation images."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.reports.document import Block, Note
from cnnlab.reports.parts import per_class_blocks
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import one_after_the_other


@section("per-class", order=80, title="Validation results by class")
def per_class(records: Sequence[RunRecord]) -> list[Block]:
    """Precision, recall, F1 and support."""
    return one_after_the_other(records, _describe)


def _describe(record: RunRecord) -> list[Block]:
    evaluation = record.evaluation("validation")
    if evaluation is None:
        return [Note(record.without_predictions("validation"))]
    return per_class_blocks(evaluation)
