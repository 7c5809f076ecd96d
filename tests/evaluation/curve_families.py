"""Learning curves as they are drawn on a blackboard, with noise: one family a rule."""

from __future__ import annotations

import math

import numpy as np

from cnnlab.config import RunConfig
from cnnlab.evaluation.curves import Case, Epoch, StageCurve


def stage(number, train, held, *, train_images=8000, held_images=2000, rate=1e-3, cap=None):
    """A stage from (loss, accuracy) pairs an epoch."""
    epochs = tuple(
        Epoch(epoch, rate, loss, accuracy, held_loss, held_accuracy)
        for epoch, ((loss, accuracy), (held_loss, held_accuracy)) in enumerate(
            zip(train, held, strict=True), start=1
        )
    )
    return StageCurve(number, epochs, cap or len(epochs), train_images, held_images)


def case(*stages, config=None, **facts):
    """A case of ten classes on 32 x 32 images."""
    facts = {"classes": 10, "side": 32, "images": 10_000, **facts}
    return Case(config or RunConfig(), stages=stages, **facts)


def accuracy_of(loss):
    """An accuracy that goes with a loss: chance at ln 10, near 1 at 0."""
    return 0.1 + 0.9 * np.clip(1 - np.asarray(loss) / math.log(10), 0, 1) ** 0.9


def noisy(rng, losses, images, wobble=0.004):
    """The losses as so many images would show them, and their accuracies; pairs."""
    losses = np.asarray(losses) * (1 + rng.normal(0, wobble, len(losses)))
    right = rng.binomial(images, accuracy_of(losses)) / images
    return list(zip(losses.tolist(), right.tolist(), strict=True))


def down(epochs, start, end, pace):
    """From ``start`` towards ``end``, e-fold in ``pace`` epochs."""
    return end + (start - end) * np.exp(-np.arange(epochs) / pace)


def one_stage(rng, train, held, *, images=2000, cap=None, **facts):
    """A case of one stage from the losses of training and of held-out images."""
    pairs = noisy(rng, train, 8000), noisy(rng, held, images)
    return case(stage(1, *pairs, held_images=images, cap=cap), **facts)


def stopped_early(rng, train, held, **more):
    """The same, where early stopping ended it."""
    return one_stage(rng, train, held, cap=100, stopped_because="no better epoch in 3", **more)


def healthy(rng, start, n):
    train = down(n, start, rng.uniform(0.02, 0.05), n / 8)
    return stopped_early(rng, train, train + 0.03)


def overfitting(rng, start, n):
    train = down(n, start, 0.02, n / 6)
    turned = rng.uniform(0.3, 0.5) + np.linspace(0, rng.uniform(0.4, 0.9), n)
    return one_stage(rng, train, train + turned)


def underfitting(rng, start, n):
    train = down(n, start, rng.uniform(0.8, 1.2), n / 10)
    return one_stage(rng, train, train + 0.02)


def rate_too_high(rng, start, n):
    train = rng.uniform(1.0, 1.4) + rng.uniform(-0.3, 0.3, n)
    train[1::2] += 0.5
    return one_stage(rng, train, train + 0.02)


def rate_too_low(rng, start, n):
    train = np.linspace(2.25, rng.uniform(1.6, 1.9), n)
    return one_stage(rng, train, train + 0.01)


def epoch_cap(rng, start, n):
    train = down(8, 1.6, 0.2, rng.uniform(4, 6))
    return one_stage(rng, train, train + 0.04)


def forgetting(rng, start, n):
    """Three chunks: what the first reached is gone in the others, in training too."""
    first, later = down(5, start, 0.1, 1.0), down(5, 1.3, rng.uniform(0.5, 0.6), 0.6)
    stages = [
        stage(k, noisy(rng, losses - 0.02, 8000), noisy(rng, losses, 2000), cap=100)
        for k, losses in enumerate((first, later, later), start=1)
    ]
    return case(*stages, stopped_because="no better epoch in 3", held="inner validation")


def collapse(rng, start, n):
    return one_stage(rng, np.full(n, 2.303), np.full(n, 2.303))


def plateau(rng, start, n):
    train = down(n, start, rng.uniform(0.09, 0.15), n / 16)
    return one_stage(rng, train, train + 0.05)


def noisy_validation(rng, start, n):
    """Sixty validation images: the curve goes up and down because of them alone."""
    n += 10
    return stopped_early(rng, down(n, start, 0.03, n / 8), np.full(n, 0.2), images=60)


FAMILIES = {
    "healthy": healthy,
    "overfitting": overfitting,
    "underfitting": underfitting,
    "rate-too-high": rate_too_high,
    "rate-too-low": rate_too_low,
    "epoch-cap": epoch_cap,
    "forgetting": forgetting,
    "collapse": collapse,
    "plateau": plateau,
    "noisy-validation": noisy_validation,
}


def family(name, seed):
    """One draw of a family."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(name)])
    return FAMILIES[name](rng, rng.uniform(1.7, 2.0), int(rng.integers(14, 25)))
