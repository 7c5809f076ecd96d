"""What follows from the measurements; computed, so it changes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnlab.evaluation.compare import Comparison, Pair
from cnnlab.metrics import LEVEL
from cnnlab.reports.document import Block, ItemList, Note
from cnnlab.reports.findings import findings_of, reported
from cnnlab.reports.record import RunRecord, comparison_of
from cnnlab.reports.section import section
from cnnlab.reports.sections.summary import goal_blocks
from cnnlab.reports.seed_groups import one_after_the_other
from cnnlab.reports.wording import count, enumeration, percent, plural


@section("conclusions", order=110, title="Conclusions")
def conclusions(records: Sequence[RunRecord]) -> list[Block]:
    """The goal, what the comparison shows, and each run's findings."""
    if not any(map(reported, records)):
        return [Note("Nothing was evaluated yet, so there is nothing to conclude.")]
    return [
        *goal_blocks(records),
        *_of_several(records),
        *one_after_the_other(records, _of_one),
    ]


def _of_one(record: RunRecord) -> list[Block]:
    said = findings_of(record)
    if not said:
        return [Note(f"{record.label} was not evaluated.")]
    return [ItemList(tuple(said))]


def _of_several(records: Sequence[RunRecord]) -> list[Block]:
    """Which is best, how sure that is, and whether a smaller one does as well."""
    if len(records) < 2:
        return []
    compared = comparison_of(records)
    accuracies = _accuracies(compared)
    if not compared.pairs or len(accuracies) < 2:
        return []
    best = max(accuracies, key=lambda name: accuracies[name])
    told = {True: 0, False: 0}
    for pair in compared.pairs:
        told[pair.p_holm < LEVEL] += 1
    said = [
        f"Of {plural(len(compared.pairs), 'pair')}, {told[True]} can be told apart on validation "
        f"and {told[False]} cannot (adjusted p below {LEVEL:g}).",
        _best(best, accuracies[best], compared.pairs),
        *_smaller(best, compared),
    ]
    return [ItemList(tuple(said))]


def _accuracies(compared: Comparison) -> dict[str, float]:
    """Validation accuracy by the names that pairs have; of recipes the mean over seeds."""
    named = {recipe.label: found.mean for recipe, found in compared.recipes if found is not None}
    for row in compared.rows:
        if row.validation_accuracy is not None:
            named |= dict.fromkeys((row.run, row.path), row.validation_accuracy)
    sides = {name for pair in compared.pairs for name in (pair.a, pair.b)}
    return {name: share for name, share in named.items() if name in sides}


def _best(best: str, share: float, pairs: Sequence[Pair]) -> str:
    """Whether the highest accuracy is more than luck."""
    rivals: Mapping[str, bool] = {
        (pair.b if pair.a == best else pair.a): pair.p_holm < LEVEL
        for pair in pairs
        if best in (pair.a, pair.b)
    }
    equal = [name for name, apart in rivals.items() if not apart]
    text = f"{best} has the highest validation accuracy, {percent(share)}"
    if not equal:
        return f"{text}, and is really better than {enumeration(list(rivals))}."
    return f"{text}; that it is better than {enumeration(equal)} is not shown."


def _smaller(best: str, compared: Comparison) -> list[str]:
    """Runs with fewer parameters that are not shown to be worse than the best."""
    params = {name: row.params for row in compared.rows for name in (row.run, row.path, row.recipe)}
    found = []
    for pair in compared.pairs:
        other = pair.b if pair.a == best else pair.a
        if best in (pair.a, pair.b) and pair.p_holm >= LEVEL and params[other] < params[best]:
            share = params[other] / params[best]
            said = percent(share, 0) if share >= 0.01 else "less than 1%"
            found.append(
                f"{other} has {said} of its {count(params[best])} parameters and is not shown to "
                "be worse."
            )
    return found
