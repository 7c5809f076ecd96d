"""The document of the report's six experiments: what it says beside what was measured."""

from cnnlab.reports.reproduction.build import build_reproduction
from cnnlab.reports.reproduction.conclusions import goal_sentence
from cnnlab.reports.reproduction.subject import Subject, subjects_of

__all__ = ["Subject", "build_reproduction", "goal_sentence", "subjects_of"]
