"""Remarks on the images: how many there are of each class, and how many to judge by."""

from __future__ import annotations

import numpy as np

from cnnlab.metrics.statistics import wilson_interval
from cnnlab.tables import printable
from cnnlab.training.preflight.subject import CHECKS, Subject

__all__ = ["class_imbalance", "few_images", "small_validation"]

#: A class with a third of the images of another is learnt at a third of the pace.
_IMBALANCE = 3.0
#: Below so many images, what a class looks like is more chance than rule.
_FEW = 20
#: Differences of three points are what settings are usually chosen by.
_WANTED_WIDTH = 0.03
#: Where no accuracy is known yet, this one: near the ends an interval is narrower.
_TYPICAL = 0.8


@CHECKS.register("class-imbalance")
def class_imbalance(subject: Subject) -> str | None:
    """Some classes have far fewer training images than others, and nothing balances them."""
    training, counts = subject.config.training, subject.class_counts
    if training.class_weights != "none" or training.sampling != "shuffle":
        return None
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[least] == 0 or counts[most] < _IMBALANCE * counts[least]:
        return None
    return (
        f"class {_name(subject, most)} has {counts[most]:,} training images, "
        f"{_name(subject, least)} {counts[least]:,}: the small ones may be neglected "
        "(--set training.class_weights=balanced counts every class alike)"
    )


@CHECKS.register("few-images")
def few_images(subject: Subject) -> str | None:
    """A class has hardly any training images, or none."""
    counts = subject.class_counts
    few = np.flatnonzero(counts < _FEW)
    if not len(few):
        return None
    least = int(counts.argmin())
    return (
        f"{len(few)} of {len(counts)} classes have fewer than {_FEW} training images, "
        f"{_name(subject, least)} {counts[least]:,}: start from a trained network (--init RUN), "
        "or add images"
    )


@CHECKS.register("small-validation")
def small_validation(subject: Subject) -> str | None:
    """Validation tells accuracies less exactly than settings differ."""
    n = subject.watched_images
    if n == 0:
        return None  # asked for: what is trained on all images is judged on test
    low, high = wilson_interval(round(_TYPICAL * n), n)
    width = (high - low) / 2
    if width < _WANTED_WIDTH:
        return None
    return (
        f"{n:,} images to validate with tell an accuracy near {_TYPICAL:.0%} to within "
        f"{100 * width:.1f} points: differences between epochs or runs that are smaller may be "
        "chance"
    )


def _name(subject: Subject, label: int) -> str:
    return f"“{printable(subject.class_names[label])}”"
