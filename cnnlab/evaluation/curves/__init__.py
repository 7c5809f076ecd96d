"""What a run's learning curves say, and which run to try next."""

from cnnlab.evaluation.curves.case import Case, Epoch, StageCurve, case_of
from cnnlab.evaluation.curves.diagnosis import Diagnosis, diagnose, findings_of
from cnnlab.evaluation.curves.finding import RULES, Finding, Found, Rule

__all__ = [
    "RULES",
    "Case",
    "Diagnosis",
    "Epoch",
    "Finding",
    "Found",
    "Rule",
    "StageCurve",
    "case_of",
    "diagnose",
    "findings_of",
]
