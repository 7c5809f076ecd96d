"""What can be concluded from one run's measurements, a sentence each, computed anew every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cnnlab.evaluation.evaluate import Evaluation, SplitName
from cnnlab.evaluation.robustness import robustness_of
from cnnlab.metrics.confusion import ClassScores
from cnnlab.metrics.statistics import clopper_pearson, share_difference
from cnnlab.reports.record import RunRecord
from cnnlab.reports.wording import (
    accuracy_in_full,
    bytes_text,
    count,
    decimal,
    duration,
    enumeration,
    interval_text,
    percent,
    plural,
    points,
    scaled,
)

__all__ = ["REPORTED_SPLITS", "findings_of", "reported"]

#: Of classes that are recognised alike as many are named.
_NAMED = 3

#: Shares nearer to each other are one and the same, told apart by rounding.
_ROUNDING = 1e-9

#: What a run is judged by: the first that was evaluated.
REPORTED_SPLITS: tuple[SplitName, ...] = ("test", "validation")


def reported(record: RunRecord) -> Evaluation | None:
    """What a run is judged by: test where it was opened, else validation."""
    return next(
        (e for split in REPORTED_SPLITS if (e := record.evaluation(split)) is not None), None
    )


def findings_of(record: RunRecord) -> list[str]:
    """The sentences; none for a run that was not evaluated."""
    evaluation = reported(record)
    if evaluation is None:
        return []
    return [
        _accuracy(record, evaluation),
        *_test_and_validation(record),
        *_fit(record),
        *_classes(evaluation),
        *_pair(evaluation),
        _confidence(evaluation),
        *_robustness(record),
        *_cost(record),
    ]


def _accuracy(record: RunRecord, evaluation: Evaluation) -> str:
    scores = evaluation.scores
    largest = int(scores.matrix.sum(axis=1).argmax())
    share = scores.per_class[largest].support / scores.n
    return (
        f"{record.label} finds the class of {count(scores.correct)} of {count(scores.n)} "
        f"{evaluation.split} images: {accuracy_in_full(scores)}. Always saying "
        f"{evaluation.class_names[largest]}, the largest class, would be right for "
        f"{percent(share, 1)}."
    )


def _test_and_validation(record: RunRecord) -> Iterator[str]:
    """Whether test bears validation out: two shares of different images."""
    validation, test = (record.evaluation(split) for split in ("validation", "test"))
    if validation is None or test is None:
        return
    a, b = validation.scores, test.scores
    low, high = share_difference((a.correct, a.n), (b.correct, b.n))
    said = (
        "which so many images explain by chance"
        if low <= 0 <= high
        else "more than so many images explain by chance: what was chosen on validation, or an "
        "unlike test set, may be why"
    )
    yield (
        f"Validation minus test is {points(a.top1 - b.top1)} points (95% interval {points(low)} to "
        f"{points(high)}), {said}."
    )


def _fit(record: RunRecord) -> Iterator[str]:
    chosen, validation = record.run.chosen_epoch, record.evaluation("validation")
    train = (chosen or {}).get("train_accuracy")
    if train is None or validation is None:
        return
    gap = train - validation.scores.top1
    side = "above" if gap > 0 else "below"
    yield (
        f"In the epoch whose weights were kept, training accuracy was {percent(train)}, "
        f"{abs(100 * gap):.2f} points {side} validation's; the former is a running mean over the "
        "epoch, in training mode, of images as training saw them."
    )


def _classes(evaluation: Evaluation) -> Iterator[str]:
    names = evaluation.class_names
    there = [
        (s, name) for s, name in zip(evaluation.scores.per_class, names, strict=True) if s.support
    ]
    if len(there) < 2:
        return
    recalls = [scores.recall for scores, _ in there]
    if min(recalls) == max(recalls):
        yield f"It recognises all {len(there)} classes alike ({percent(recalls[0], 1)})."
        return
    best, worst = (
        _alike([pair for pair in there if pair[0].recall == end])
        for end in (max(recalls), min(recalls))
    )
    yield f"It recognises {best} best and {worst} least."


def _alike(classes: Sequence[tuple[ClassScores, str]]) -> str:
    """Classes of one recall: a single one with its interval, several by name."""
    scores, name = classes[0]
    if len(classes) == 1:
        return (
            f"{name} ({percent(scores.recall, 1)} of {count(scores.support)}, 95% interval "
            f"{interval_text(clopper_pearson(scores.hits, scores.support), 1)})"
        )
    names = [name for _, name in classes[:_NAMED]]
    more = [f"{len(classes) - _NAMED} more"] if len(classes) > _NAMED else []
    return f"{enumeration([*names, *more])} ({percent(scores.recall, 1)} each)"


def _pair(evaluation: Evaluation) -> Iterator[str]:
    wrong = evaluation.scores.matrix.copy()
    np.fill_diagonal(wrong, 0)
    total = int(wrong.sum())
    if not total:
        yield f"It makes no mistake on {evaluation.split}."
        return
    both = np.triu(wrong + wrong.T)
    first, second = divmod(int(both.argmax()), len(both))
    most = int(both[first, second])
    yield (
        f"{evaluation.class_names[first]} and {evaluation.class_names[second]} are taken for one "
        f"another most often: {count(most)} of {plural(total, 'mistake')} "
        f"({percent(most / total, 1)})."
    )


def _confidence(evaluation: Evaluation) -> str:
    scores, found = evaluation.scores, evaluation.calibrated
    confidence = float(evaluation.probabilities.max(axis=1).mean())
    gap = confidence - scores.top1
    said = "surer than it is right" if gap > 0 else "less sure than it is right"
    text = (
        f"On average it is {percent(confidence)} sure and {percent(scores.top1)} right: {said} by "
        f"{abs(100 * gap):.2f} points (expected calibration error {decimal(scores.ece)})."
    )
    if found is not None:
        text += (
            f" Dividing its logits by {found.temperature:.3f} makes the error "
            f"{decimal(found.ece_after)}."
        )
    return text


def _robustness(record: RunRecord) -> Iterator[str]:
    for split in REPORTED_SPLITS:
        found = robustness_of(record.run, split)
        if found is None:
            continue
        worst = int(np.argmax(found.errors))
        harmed = found.clean.value - (1 - found.errors[worst])
        harm = (
            f"; {found.corruptions[worst].title.lower()} harms most "
            f"({percent(1 - found.errors[worst])} left)"
        )
        yield (
            f"Under corruption {percent(1 - found.mean_corruption_error)} of {count(found.n)} "
            f"{split} images are recognised on average, {percent(found.clean.value)} without"
            f"{harm if harmed > _ROUNDING else ''}."
        )


def _cost(record: RunRecord) -> Iterator[str]:
    seconds, speed = (record.result.get(key) for key in ("train_seconds", "images_per_second"))
    if seconds is None or speed is None:
        return
    summary = record.architecture
    yield (
        f"Training took {duration(seconds)} ({count(round(speed))} images a second) for "
        f"{count(summary['total_params'])} parameters ({bytes_text(summary['parameters_bytes'])}) "
        f"and {scaled(summary['flops'], 'FLOPs')} an image."
    )
