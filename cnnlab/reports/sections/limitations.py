"""What the reader should be careful with: how test was used, how little is known of chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from cnnlab.data.repeats import digests_of
from cnnlab.errors import CnnlabError
from cnnlab.evaluation.audit.kept import copies_known
from cnnlab.metrics.statistics import wilson_interval
from cnnlab.reports.document import Block, ItemList
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import SeedGroup, group_by_group, seed_groups, shared_or_named
from cnnlab.reports.wording import ABSENT, count, enumeration, percent, plural
from cnnlab.runs import Run, command_line, list_runs

#: Beyond this a search for copies takes longer than a report may; the audit does it.
_MOST_BYTES = 1 << 30


@section("limitations", order=115, title="Limitations")
def limitations(records: Sequence[RunRecord]) -> list[Block]:
    """Openings of test, choices on validation, copies, one split and one seed, one machine."""
    shared = tuple(_of_all(records))
    if len(records) == 1:
        return [ItemList((*_of_group(seed_groups(records)[0]), *shared))]
    own = group_by_group(
        records, lambda group: group.label, lambda group: [ItemList(_of_group(group))]
    )
    return [ItemList(shared), *own]


def _of_group(group: SeedGroup) -> tuple[str, ...]:
    """How each seed ended and what was opened for it; the rest is alike, so one speaks for all."""
    each = [(record.label, _of_one(record)) for record in group.records]
    return *shared_or_named(each), *_choice(group.shown), *_copies(group.shown)


def _of_one(record: RunRecord) -> Iterator[str]:
    if record.state:
        yield record.state
    yield from _test(record)
    for line in record.run.inexact:
        yield (
            f"After step {count(line['after_step'])} its training went on under other conditions, "
            "so the same command need not give the same weights."
        )


def _test(record: RunRecord) -> Iterator[str]:
    """How often test was opened, and after and before which other trainings."""
    if not record.ledger:
        yield "Test was never opened: every figure here was known while choices were made."
        return
    n = len(record.ledger)
    yield f"Test was opened {'once' if n == 1 else f'{n} times'} for it."
    first, relatives = _when(record.ledger[0]["time"]), _relatives(record.run)
    if first is None or not relatives:
        return
    before = sum(run.created <= first for run in relatives)
    after = len(relatives) - before
    yield (
        f"Of {plural(len(relatives), 'other run')} of the same data in its folder, {before} began "
        f"before test was first opened for it and {after} after"
        + (": what these changed may have been chosen on test." if after else ".")
    )


def _when(said: object) -> datetime | None:
    """A time of the ledger's; None where it cannot be read or has no time zone."""
    try:
        time = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return None if time.tzinfo is None else time


def _relatives(run: Run) -> list[Run]:
    """The other runs in its folder that know the same images; damaged ones are left out."""
    fingerprint, found = run.split["dataset"]["fingerprint"], []
    for other in list_runs(run.path.parent):
        try:
            if other.name != run.name and other.split["dataset"]["fingerprint"] == fingerprint:
                found.append(other)
        except (CnnlabError, KeyError, TypeError):
            continue
    return found


def _choice(record: RunRecord) -> Iterator[str]:
    """Where the epoch was chosen on the images that its accuracy is reported on."""
    training = record.run.settings["training"]
    stages = [line["stage"] for line in record.metrics if "validation_loss" in line]
    watched = stages.count(max(stages, default=0))  # the weights are those of the last stage
    if watched > 1 and training["weights"] == "best" and not training["inner_validation"]:
        yield (
            f"The epoch was chosen among {count(watched)} on the validation images themselves, so "
            "its validation accuracy is a little too good."
        )
    evaluation = record.evaluation("validation")
    if evaluation is not None:
        scores = evaluation.scores
        low, high = wilson_interval(scores.correct, scores.n)
        yield (
            f"Its {count(scores.n)} validation images tell an accuracy to within about "
            f"{100 * (high - low) / 2:.1f} points."
        )


def _copies(record: RunRecord) -> Iterator[str]:
    """Images that stand in two parts: what an audit knows, else those that are so byte for byte."""
    known, data = copies_known(record.run), record.images
    if known is not None:
        said = "; ".join(known) if known else "no image of one part stands in another"
        yield f"An audit of its split says, of exact and near copies: {said}."
        return
    if data is None:
        yield f"Whether images stand in two parts was not looked for. {record.without_images}"
        return
    if data.images.nbytes > _MOST_BYTES:
        source = record.run.settings["data"]["source"]
        yield (
            "Whether images stand in two parts was not looked for, there are too many: "
            f"{command_line('audit', source, '--run', record.run.path)} does."
        )
        return
    split = record.run.split
    seen = set(digests_of(data.images, split["train"]))
    found = {
        part: sum(digest in seen for digest in digests_of(data.images, split[part]))
        for part in ("validation", "test")
    }
    said = " and ".join(
        f"{count(copies)} of {plural(len(split[part]), f'{part} image')}"
        f" ({percent(copies / len(split[part])) if split[part] else ABSENT})"
        for part, copies in found.items()
    )
    yield (
        f"{said} stand in training byte for byte. Near copies (resized, mirrored, stored again) "
        "are not counted here; cnnlab audit --run looks for them."
    )


def _of_all(records: Sequence[RunRecord]) -> Iterator[str]:
    splits = {
        np.array(record.run.split["validation"], dtype=np.int64).tobytes() for record in records
    }
    if len(splits) == 1:
        yield "One split: other images set aside for validation would give other figures."
    groups = seed_groups(records)
    once = [group.label for group in groups if group.is_single]
    seeds = sorted({len(group.records) for group in groups if not group.is_single})
    if once:
        who = f" of {enumeration(once)}" if seeds else ""
        yield (
            f"One seed{who}: intervals are over images. How far another seed would move the "
            "result is unknown; cnnlab train --seeds 5 measures it."
        )
    if seeds:
        yield (
            f"{enumeration([*map(str, seeds)])} seeds: spreads over so few trainings are rough "
            "themselves."
        )
    machines = {str(record.environment["processor"]) for record in records}
    times = "of one machine" if len(machines) == 1 else "of several machines, not to be compared"
    yield f"Times are {times}{', and of one training each' if once else ''}."
