"""From a run to what is to be said of its learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cnnlab.evaluation.curves import (  # noqa: F401 - importing them registers their rules
    collapse,
    ending,
    fitting,
    forgetting,
    noise,
    rates,
)
from cnnlab.evaluation.curves.case import Case, case_of
from cnnlab.evaluation.curves.command import next_command
from cnnlab.evaluation.curves.finding import RULES, Finding, Found
from cnnlab.runs import AnyRun, as_run
from cnnlab.tables import ShownAsText, printable

__all__ = ["NOTHING", "Diagnosis", "diagnose", "findings_of"]

NOTHING = "nothing to remark"
_ORDER = ("serious", "moderate", "slight")


@dataclass(frozen=True)
class Diagnosis(ShownAsText):
    """What the learning curves of one run show; no finding is an answer, too.

    Attributes
    ----------
    run: its path.
    status: "finished", "failed", "running" or "unfinished".
    epochs: how many it has finished.
    findings: the gravest first.
    """

    run: str
    status: str
    epochs: int
    findings: list[Finding]

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab diagnose --json`` holds of a run."""
        return asdict(self)

    def to_text(self) -> str:
        """What ``cnnlab diagnose`` prints of a run."""
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        state = "" if self.status == "finished" else f"{self.status}, "
        head = f"{self.run} ({state}{epochs}): "
        if not self.findings:
            return printable(head + (NOTHING if self.epochs else "no epoch to judge by"))
        lines = [head + ", ".join(found.title.lower() for found in self.findings)]
        for found in self.findings:
            lines += [
                "",
                f"{found.title} ({found.severity})",
                f"  {found.evidence}",
                f"  next: {found.advice}",
                f"  {found.command}",
            ]
        return "\n".join(map(printable, lines))


def findings_of(case: Case) -> Mapping[str, Found]:
    """What the rules find, by their names; what another finding explains is left out."""
    found = {name: said for name in RULES if (said := RULES.get(name).find(case)) is not None}
    explained = {other for name in found for other in RULES.get(name).explains}
    return {name: said for name, said in found.items() if name not in explained}


def diagnose(run: AnyRun) -> Diagnosis:
    """Judge a run's learning curves, as far as they go.

    Raises :class:`RunError` where a file of the run is damaged.
    """
    run = as_run(run)
    findings = [
        Finding(
            name=name,
            title=RULES.get(name).title,
            severity=found.severity,
            evidence=found.evidence,
            advice=found.advice,
            command=next_command(run, name, found.settings),
        )
        for name, found in findings_of(case_of(run)).items()
    ]
    findings.sort(key=lambda finding: _ORDER.index(finding.severity))
    return Diagnosis(str(run.path), run.status, len(run.metrics), findings)
