"""What a rule finds, and the register of the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cnnlab.evaluation.curves.case import Case
from cnnlab.registry import Registry

__all__ = ["RULES", "Finding", "Found", "Rule", "Severity", "rule"]

#: serious: the result is not what the network can do; moderate: there is something to gain;
#: slight: something to know.
Severity = Literal["serious", "moderate", "slight"]


@dataclass(frozen=True)
class Found:
    """What a rule says of a case.

    Attributes
    ----------
    severity: how much is lost by it.
    evidence: the numbers, in one sentence.
    advice: what the next run changes, in a few words.
    settings: the same as settings, dotted keys with their values.
    """

    severity: Severity
    evidence: str
    advice: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """A finding about a run; ``command`` is the one next run to try, to be typed as it stands."""

    name: str
    title: str
    severity: Severity
    evidence: str
    advice: str
    command: str


@dataclass(frozen=True)
class Rule:
    """A rule: ``find`` is a pure function; what it ``explains`` is not said beside it."""

    title: str
    find: Callable[[Case], Found | None]
    explains: frozenset[str]


#: Every rule by its name, in the order in which findings are told.
RULES: Registry[Rule] = Registry("rule")


def rule(
    name: str, *, title: str, explains: tuple[str, ...] = ()
) -> Callable[[Callable[[Case], Found | None]], Callable[[Case], Found | None]]:
    """Register a rule; ``explains`` names the rules whose signs are this one's consequences."""

    def register(find: Callable[[Case], Found | None]) -> Callable[[Case], Found | None]:
        RULES.add(name, Rule(title, find, frozenset(explains)))
        return find

    return register
