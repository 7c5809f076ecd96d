"""From the runs of a reproduction to its document."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib.metadata import version

from cnnlab.errors import InputError
from cnnlab.models import report_figures
from cnnlab.reports.document import (
    Block,
    Code,
    Document,
    Heading,
    ItemList,
    KeyFigure,
    KeyFigures,
    Note,
    Paragraph,
)
from cnnlab.reports.reproduction.chapter import chapter
from cnnlab.reports.reproduction.comparison import accuracy_table, comparison_chapter
from cnnlab.reports.reproduction.conclusions import conclusions, goal_sentence
from cnnlab.reports.reproduction.provenance import assumptions
from cnnlab.reports.reproduction.subject import Subject, primary_subjects, subjects_of
from cnnlab.reports.sections.data import data
from cnnlab.reports.sections.training_setup import training_setup
from cnnlab.reports.wording import count, enumeration, interval_text, percent
from cnnlab.runs import Run

__all__ = ["build_reproduction"]


def build_reproduction(
    runs: Sequence[Run], *, missing: Sequence[str] = (), command: Sequence[str] = ()
) -> Document:
    """Say what the report's experiments gave, from their run directories alone.

    Parameters
    ----------
    runs: trained or unfinished runs of the report's models, in the order to show them.
    missing: what is not there yet, in words, e.g. "model F: not trained yet".
    command: what was typed, word by word.

    Raises :class:`InputError` for no run and :class:`RunError` for a run of another model.
    """
    if not runs:
        raise InputError("no run to report on", expected="one or more")
    subjects = subjects_of(runs)
    primary = primary_subjects(subjects)
    blocks: list[Block] = [Heading("Summary"), *_summary(subjects, missing)]
    blocks += [Heading("Data"), *data([subject.record for subject in subjects])]
    for subject in subjects:
        blocks += chapter(subject, _original(subject, subjects))
    if primary:
        blocks += [*comparison_chapter(subjects), *conclusions(primary)]
    blocks += [Heading("Stated, inferred, assumed"), *assumptions(subjects)]
    blocks += [Heading("Machine, settings and commands"), *_again(subjects, command)]
    return Document(
        title="The report's networks, trained again",
        subtitle=f"Reproduction of “{report_figures()['source']}”",
        blocks=tuple(blocks),
        footer=f"Written by cnnlab {version('cnnlab')} from the run directories "
        f"{enumeration([subject.record.run.name for subject in subjects])}.",
    )


def _original(subject: Subject, subjects: Sequence[Subject]) -> Subject | None:
    """The run with the report's batch size that this one is a variant of, if it is one."""
    if subject.is_primary:
        return None
    others = (other for other in subjects if other.model == subject.model and other.is_primary)
    return next(others, None)


def _summary(subjects: Sequence[Subject], missing: Sequence[str]) -> list[Block]:
    figures = []
    for subject in subjects:
        evaluation = subject.test or subject.validation
        if subject.letter == "F" and evaluation is not None:
            scores = evaluation.scores
            detail = f"95% interval {interval_text(scores.top1_interval)}, n = {count(scores.n)}"
            figures.append(KeyFigure(f"F on {evaluation.split}", percent(scores.top1), detail))
            reported = subject.reported_matrix(evaluation.split)
            if reported is not None:
                share = float(reported.trace() / reported.sum())
                detail = f"{evaluation.split}, n = {count(int(reported.sum()))}"
                figures.append(KeyFigure("F in the report", percent(share), detail))
    blocks: list[Block] = [KeyFigures(tuple(figures))] if figures else []
    if missing:
        blocks.append(Note(f"Not all is here yet: {'; '.join(missing)}."))
    images = {str(subject.record.dataset["name"]) for subject in subjects}
    return [
        *blocks,
        Paragraph(
            "A student's report describes six convolutional networks, A to F, and what they "
            "reached. Here they were built and trained again from what it says, on "
            f"{enumeration(sorted(images))}; each figure of the report stands beside the one "
            f"measured. {goal_sentence(subjects)}"
        ),
        accuracy_table(subjects),
        *_unlike(subjects),
    ]


def _unlike(subjects: Sequence[Subject]) -> list[Block]:
    """Say first what makes the two columns unequal."""
    said: dict[str, list[str]] = {}
    for subject in subjects:
        for deviation in subject.deviations:
            said.setdefault(deviation, []).append(subject.title)
    if not said:
        return []
    items = tuple(
        f"{enumeration(titles) if len(titles) < len(subjects) else 'All'}: {deviation}"
        for deviation, titles in said.items()
    )
    return [Paragraph("Where these runs are known to differ from the report's:"), ItemList(items)]


def _again(subjects: Sequence[Subject], command: Sequence[str]) -> list[Block]:
    blocks = training_setup([subject.record for subject in subjects])
    if not command:
        return blocks
    return [Paragraph("This document was made by:"), Code(shlex.join(command)), *blocks]
