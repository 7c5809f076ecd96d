"""Remarks on how it is trained: batches, learning rate, normalisation."""

from __future__ import annotations

from cnnlab.training.preflight.subject import CHECKS, Subject

__all__ = ["not_centred", "one_image", "unusual_rate"]

#: Learning rates that are in use, and the round numbers around them; outside, a slip is likelier
#: than a purpose. Adam: Kingma and Ba's 1e-3 and fine-tuning's 1e-5; Adamax twice as much; SGD
#: with momentum: 0.1 and fine-tuning's 1e-3; Muon: 0.02 to 0.24 here (docs/results/log.md).
_USUAL = {
    "adam": (1e-5, 1e-2),
    "adamax": (2e-5, 2e-2),
    "sgd": (1e-4, 1.0),
    "muon": (1e-3, 2.0),
}
_NORMALISING = ("BatchNormalization", "ResidualBlock")


def _normalises(subject: Subject) -> bool:
    return any(
        step.type in _NORMALISING and step.name not in subject.frozen
        for step in subject.architecture.steps
    )


@CHECKS.register("one-image")
def one_image(subject: Subject) -> str | None:
    """Steps of one image: slow, restless, and nothing for batch normalisation to average over."""
    size = subject.config.training.batch_size
    normalises = _normalises(subject)
    if size == 1:
        said = "batches of one image: each step follows a single image, and there are many of them"
        what = (
            "; batch normalisation over one image makes its dense layers blind"
            if normalises
            else ""
        )
        return f"{said}{what} (--batch-size 32 is usual)"
    lone = [images for images in subject.stage_images if images // -(-images // size) == 1]
    if not normalises or not lone:
        return None
    more = f" (--batch-size {size + 1} leaves none alone)" if lone[0] > 1 else ""
    return (
        f"of {lone[0]:,} images in batches of {size} one is alone in a step: batch normalisation "
        f"has nothing to average over there{more}"
    )


@CHECKS.register("unusual-rate")
def unusual_rate(subject: Subject) -> str | None:
    """The learning rate is far from what is usual for its optimizer."""
    optimizer = subject.config.optimizer
    low, high = _USUAL.get(optimizer.name, (0.0, float("inf")))
    if low <= optimizer.lr <= high:
        return None
    return (
        f"a learning rate of {optimizer.lr:g} is unusual for {optimizer.name} ({low:g} to "
        f"{high:g}); cnnlab find-lr suggests one"
    )


@CHECKS.register("not-centred")
def not_centred(subject: Subject) -> str | None:
    """Pixels from 0 to 1, all positive, into a network that does not normalise."""
    if subject.config.normalization != "unit" or _normalises(subject):
        return None
    return (
        "pixels are scaled to 0..1 but not centred, and no layer normalises: "
        "--set normalization=standard usually learns faster"
    )
