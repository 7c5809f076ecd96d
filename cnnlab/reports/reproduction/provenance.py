"""What the report states of a model, what was inferred from its figures, what was assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cnnlab.models import Origin, provenance_of
from cnnlab.models.provenance import MARKS
from cnnlab.reports.document import Block, Paragraph, Table
from cnnlab.reports.reproduction.subject import Subject
from cnnlab.reports.wording import count, enumeration

__all__ = ["assumptions", "training_table"]


def _merged(origins: Sequence[Origin]) -> list[tuple[str, str, str, str]]:
    """Setting, values, mark and reason; values of the same kind and reason stand together."""
    values: dict[tuple[str, str, str], list[str]] = {}
    for origin in origins:
        parts = origin.path.split(".")
        setting = f"layers: {parts[2]}" if parts[0] == "layers" else origin.path
        values.setdefault((setting, origin.mark, origin.why), []).append(str(origin.value))
    return [
        (setting, ", ".join(dict.fromkeys(found)), mark, why)
        for (setting, mark, why), found in values.items()
    ]


def training_table(subject: Subject) -> Table:
    """Every setting of a model with where it is from."""
    return Table.of(
        ["Setting", "Value", "Source", "Why"],
        _merged(provenance_of(subject.model)),
        f"How the report built and trained model {subject.letter}: stated in the report, inferred "
        "from its figures, or assumed because it does not say.",
        text_columns=range(4),
        compact=True,
    )


def assumptions(subjects: Sequence[Subject]) -> list[Block]:
    """How much rests on what, and every assumption once with the models it concerns."""
    letters: dict[tuple[str, str, str], list[str]] = {}
    marks: Counter[str] = Counter()
    for subject in {subject.model: subject for subject in subjects}.values():
        for setting, value, mark, why in _merged(provenance_of(subject.model)):
            marks[mark] += 1
            if mark == "assumed":
                letters.setdefault((setting, value, why), []).append(subject.letter)
    total = enumeration([f"{count(marks[mark])} {mark}" for mark in MARKS])
    rows = [
        [setting, value, ", ".join(models), why]
        for (setting, value, why), models in sorted(letters.items())
    ]
    return [
        Paragraph(
            "The report does not say everything that a training needs. Of the settings of the "
            f"models here, {total}. An assumption may be wrong, and the figures with it."
        ),
        Table.of(
            ["Setting", "Value", "Models", "Why"],
            rows,
            "What was assumed.",
            text_columns=range(4),
        ),
    ]
