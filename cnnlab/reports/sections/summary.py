"""What was trained on what, and what came out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from cnnlab.evaluation.evaluate import SPLITS, SplitName
from cnnlab.metrics import Interval
from cnnlab.reports.document import Block, ItemList, KeyFigure, KeyFigures, Note, Paragraph, Table
from cnnlab.reports.findings import REPORTED_SPLITS, reported
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import SeedGroup, seed_groups
from cnnlab.reports.wording import (
    ABSENT,
    accuracy_in_full,
    count,
    duration,
    interval_text,
    mean_in_full,
    percent,
    plural,
)

#: What the author of the six models set out to reach on CIFAR-10.
GOAL = 0.75

#: What its data is called, in whichever form it came; CIFAR-100 is another.
_CIFAR_10 = re.compile(r"cifar-?10(?!\d)", re.IGNORECASE)


@section("summary", order=10, title="Summary")
def summary(records: Sequence[RunRecord]) -> list[Block]:
    """Key figures and sentences for one run, a table for several."""
    blocks: list[Block] = [Note(record.state) for record in records if record.state]
    if len(records) == 1:
        record = records[0]
        blocks += [_key_figures(record), Paragraph(_in_words(record))]
    else:
        blocks.append(_table(records))
    return blocks + goal_blocks(records)


def _key_figures(record: RunRecord) -> KeyFigures:
    figures = []
    for split in SPLITS:
        evaluation = record.evaluation(split)
        if evaluation is not None:
            scores = evaluation.scores
            detail = f"95% interval {interval_text(scores.top1_interval)}, n = {count(scores.n)}"
            figures.append(KeyFigure(f"{split} accuracy", percent(scores.top1), detail))
    params = record.architecture["total_params"]
    trainable = count(record.architecture["trainable_params"])
    figures.append(KeyFigure("parameters", count(params), f"{trainable} of them trainable"))
    seconds = record.result.get("train_seconds")
    speed = record.result.get("images_per_second")
    if seconds is not None and speed is not None:
        detail = f"{plural(record.result['epochs'], 'epoch')}, {count(round(speed))} images/s"
        figures.append(KeyFigure("training time", duration(seconds), detail))
    return KeyFigures(tuple(figures))


def _in_words(record: RunRecord) -> str:
    dataset, environment = record.dataset, record.environment
    height, width, channels = dataset["image_shape"]
    parts = ", ".join(
        f"{count(record.images_in(part))} {word}"
        for part, word in (("train", "training"), ("validation", "validation"), ("test", "test"))
    )
    device = environment["choices"]["device"]["name"]
    precision = environment["choices"]["precision"]["name"]
    words = (
        f"{record.label} is the network “{record.architecture['model']}” with "
        f"{count(record.architecture['total_params'])} parameters for {dataset['name']}: "
        f"{parts} images of {height} x {width} pixels and {plural(channels, 'channel')}, in "
        f"{count(len(dataset['class_names']))} classes. It was trained on {device} in {precision}."
    )
    if record.result.get("status") == "finished":
        words += (
            f" Training ended after {plural(record.result['epochs'], 'epoch')}: "
            f"{record.result['stopped_because']}."
        )
    return words


def _table(records: Sequence[RunRecord]) -> Table:
    groups = seed_groups(records)
    rows = [
        [
            group.label,
            str(group.shown.architecture["model"]),
            str(group.shown.dataset["name"]),
            *(_accuracy(group, split) for split in SPLITS),
            _ended(group),
        ]
        for group in groups
    ]
    caption = "The runs of this report; - stands for what was not measured."
    if not all(group.is_single for group in groups):
        caption += (
            " Of several seeds it is the mean with its t interval over seeds; where one of them is "
            "shown below, it is the run of the median validation accuracy."
        )
    return Table.of(
        ["Run", "Network", "Data", "Validation accuracy", "Test accuracy", "Training"],
        rows,
        caption,
        text_columns=range(6),
    )


def _accuracy(group: SeedGroup, split: SplitName) -> str:
    if group.is_single:
        evaluation = group.shown.evaluation(split)
        return accuracy_in_full(evaluation.scores) if evaluation else ABSENT
    found = group.summary(split)
    return ABSENT if found is None else mean_in_full(found, len(group.records))


def _ended(group: SeedGroup) -> str:
    states = Counter(str(record.result.get("status", "unfinished")) for record in group.records)
    if len(states) == 1:
        return next(iter(states))
    return ", ".join(f"{count(times)} {state}" for state, times in states.items())


def goal_blocks(records: Sequence[RunRecord]) -> list[Block]:
    """Whether the goal is met, for runs on the data that it was set for."""
    said = [text for text in map(_goal_of, seed_groups(records)) if text]
    goal = f"Goal: an accuracy better than {percent(GOAL, 0)}."
    if len(said) < 2:
        return [Paragraph(f"{goal} {text}") for text in said]
    return [Paragraph(goal), ItemList(tuple(said))]


def _goal_of(group: SeedGroup) -> str | None:
    if not _CIFAR_10.match(str(group.shown.dataset["name"])):
        return None
    if group.is_single:
        evaluation = reported(group.shown)
        if evaluation is None:
            return None
        scores = evaluation.scores
        said = accuracy_in_full(scores)
        return _judged(group, evaluation.split, scores.top1, scores.top1_interval, said, "images")
    seeds = len(group.records)
    for split in REPORTED_SPLITS:
        found = group.summary(split)
        if found is None or found.interval is None or (split == "test" and found.n < seeds):
            continue
        said = mean_in_full(found, seeds)
        return _judged(group, split, found.mean, found.interval, said, "seeds")
    return None


def _judged(
    group: SeedGroup, split: str, share: float, interval: Interval, said: str, sample: str
) -> str:
    low, high = interval
    met = "Met" if share > GOAL else "Not met"
    sure = (
        f"the whole interval lies {'above' if low > GOAL else 'below'} the goal"
        if low > GOAL or high < GOAL
        else f"the interval includes the goal, so these {sample} do not settle it"
    )
    return f"{met} by {group.label} on the {split} images: {said}; {sure}."
