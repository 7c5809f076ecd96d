"""What is remarkable about a training before its first step; nothing here ever stops it."""

from cnnlab.training.preflight.check import remarks_on
from cnnlab.training.preflight.subject import CHECKS, Remark, Subject, subject_of

__all__ = ["CHECKS", "Remark", "Subject", "remarks_on", "subject_of"]
