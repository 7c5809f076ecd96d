"""What the sealed images showed, and how often they were looked at."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.reports.document import Block, Note, Paragraph, Table
from cnnlab.reports.parts import confusion_blocks, per_class_blocks, scores_table
from cnnlab.reports.record import RunRecord, one_after_the_other
from cnnlab.reports.section import section
from cnnlab.reports.wording import count, share_in_full


@section("test", order=90, title="Test results")
def on_test(records: Sequence[RunRecord]) -> list[Block]:
    """The ledger, and where test was opened its metrics, matrix and classes."""
    return one_after_the_other(records, _describe)


def _describe(record: RunRecord) -> list[Block]:
    opened, evaluation = record.ledger, record.evaluation("test")
    if not opened and evaluation is None:
        return [
            Paragraph(
                f"The {count(record.images_in('test'))} test images of {record.label} have not "
                "been opened."
            )
        ]
    blocks: list[Block] = []
    if evaluation is not None and not opened:
        blocks.append(
            Note(f"{record.label} has test predictions, but its ledger says nothing of them.")
        )
    if opened:
        blocks += _ledger(record)
    if evaluation is None:
        return [*blocks, Note(record.without_predictions("test"))]
    return [
        *blocks,
        scores_table(evaluation),
        *confusion_blocks(evaluation, record.slug),
        *per_class_blocks(evaluation),
    ]


def _ledger(record: RunRecord) -> list[Block]:
    times = len(record.ledger)
    how_often = "once" if times == 1 else f"{times} times"
    again = (
        ""
        if times == 1
        else " Whatever was changed between two openings may have been chosen on test."
    )
    return [
        Paragraph(f"The test images of {record.label} were opened {how_often}.{again}"),
        Table.of(
            ["When", "Command", "Top-1 accuracy"],
            [
                [
                    str(line["time"]),
                    str(line["command"]),
                    share_in_full(line["top1"], line["n"]),
                ]
                for line in record.ledger
            ],
            f"The ledger of {record.label}.",
            text_columns=(0, 1, 2),
        ),
    ]
