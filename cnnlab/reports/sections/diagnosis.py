"""What the learning curves show, and which run to try next."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.evaluation.curves import Finding, diagnose
from cnnlab.reports.document import Block, Code, Paragraph
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import one_after_the_other

_METHOD = (
    "Rules read the learning curves; training figures are taken in training mode, of augmented "
    "images, and are compared with care. A rule says what it sees in one run, not what holds for "
    "others."
)


@section("diagnosis", order=65, title="Diagnosis of the learning curves")
def diagnosis(records: Sequence[RunRecord]) -> list[Block]:
    """Each run's findings with their evidence and the next run to try; or that there are none."""
    return [Paragraph(_METHOD), *one_after_the_other(records, _describe)]


def _describe(record: RunRecord) -> list[Block]:
    findings = diagnose(record.run).findings
    if not findings and not record.metrics:
        return [Paragraph(f"{record.label} has no finished epoch, so there is nothing to judge.")]
    if not findings:
        return [Paragraph(f"The learning curves of {record.label} show nothing to remark.")]
    return [block for finding in findings for block in _blocks(finding)]


def _blocks(finding: Finding) -> list[Block]:
    said = f"{finding.evidence[0].upper()}{finding.evidence[1:]}."
    return [
        Paragraph(f"{finding.title} ({finding.severity}). {said} Next to try: {finding.advice}."),
        Code(finding.command),
    ]
