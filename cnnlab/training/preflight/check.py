"""All checks at once."""

from __future__ import annotations

from cnnlab.training.preflight import (  # noqa: F401 - importing them registers their checks
    images,
    network,
    setup,
)
from cnnlab.training.preflight.subject import CHECKS, Remark, Subject

__all__ = ["remarks_on"]


def remarks_on(subject: Subject) -> list[Remark]:
    """What is remarkable, in the order of the checks' names; an empty list is an answer."""
    said = ((name, CHECKS.get(name)(subject)) for name in CHECKS)
    return [Remark(name, text) for name, text in said if text is not None]
