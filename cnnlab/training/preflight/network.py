"""Remarks on the network: where its parameters are, and what its maps see."""

from __future__ import annotations

from math import prod

from cnnlab.models.plan import Step
from cnnlab.models.receptive import last_field, receptive_fields
from cnnlab.training.preflight.subject import CHECKS, Subject

__all__ = ["many_parameters", "one_layer", "point_map", "receptive_field", "scaled_twice"]

#: With two parameters of three in one dense layer, it is the network, and the convolutions in
#: front of it are an appendage.
_ONE_LAYER = 2 / 3
#: ResNet-18 on CIFAR-10 has 280 parameters an image and needs augmentation; far beyond that a
#: network can learn its images by heart in a few epochs.
_PARAMETERS_AN_IMAGE = 500
#: A unit that sees less than half the image's side cannot tell a whole object from its parts.
_SEEN = 0.5
#: Pixels come as 0..1, so that nobody needs this factor twice.
_BYTE_SCALE = 1 / 255


@CHECKS.register("one-layer")
def one_layer(subject: Subject) -> str | None:
    """One dense layer holds most of the parameters: a flatten of too large a map."""
    steps = subject.architecture.steps
    total = sum(step.trainable_params for step in steps)
    largest = max(steps, key=lambda step: step.trainable_params)
    share = largest.trainable_params / total
    hidden = [step for step in steps if step.type == "Dense"][:-1]
    if largest not in hidden or share < _ONE_LAYER:
        return None
    before = steps[steps.index(largest) - 1]
    flattened = (
        f" on a flattened map of {'x'.join(map(str, before.input_shape))}"
        if before.type == "Flatten"
        else ""
    )
    return (
        f"'{largest.name}'{flattened} holds {share:.0%} of the {total:,} parameters: pool once "
        "more before it, or over the whole map (GlobalAveragePooling2D)"
    )


@CHECKS.register("many-parameters")
def many_parameters(subject: Subject) -> str | None:
    """The network could learn its few images by heart."""
    steps = subject.architecture.steps
    params = sum(step.trainable_params for step in steps if step.name not in subject.frozen)
    images = max(subject.stage_images)
    if params < _PARAMETERS_AN_IMAGE * images:
        return None
    what = "images a stage" if len(subject.stage_images) > 1 else "training images"
    return (
        f"{params:,} parameters for {images:,} {what}, {params / images:,.0f} each: watch for "
        "overfitting; a smaller network, augmentation or --init RUN may serve better"
    )


@CHECKS.register("receptive-field")
def receptive_field(subject: Subject) -> str | None:
    """The last map's units see a small part of the image, and pooling then forgets where."""
    steps, shape = subject.architecture.steps, subject.architecture.input_shape
    field = last_field(steps)
    # A flattened map goes on to a dense layer that sees all of it.
    if field is None or any(step.type == "Flatten" for step in steps):
        return None
    if all(one >= _SEEN * side for one, side in zip(field, shape[:2], strict=True)):
        return None
    return (
        f"a unit of the last map sees {field[0]}x{field[1]} of the {shape[0]}x{shape[1]} pixels: "
        "larger kernels, more layers or more pooling would let it see whole objects"
    )


@CHECKS.register("point-map")
def point_map(subject: Subject) -> str | None:
    """Convolutions go on after the map has shrunk to one pixel: only their middle is used."""
    steps = subject.architecture.steps
    wasted = [
        step
        for step in steps
        if len(step.output_shape) == 3 and prod(step.input_shape[:2]) == 1 and _wide(step)
    ]
    if not wasted:
        return None
    names = ", ".join(f"'{step.name}'" for step in wasted)
    return (
        f"the map is one pixel before {names}: of each kernel only one weight ever meets it; "
        "pool less, or use kernels of 1x1 there"
    )


def _wide(step: Step) -> bool:
    return any(max(window.reach) > 1 for window in step.layer.windows())


@CHECKS.register("scaled-twice")
def scaled_twice(subject: Subject) -> str | None:
    """The network divides by 255 what has been brought to 0..1 or to unit deviation before."""
    for step, field in zip(
        subject.architecture.steps, receptive_fields(subject.architecture.steps), strict=True
    ):
        scale = getattr(step.layer, "scale", None)
        on_pixels = step.type == "Rescaling" and field == (1, 1)
        if on_pixels and isinstance(scale, float | int) and abs(scale) <= 2 * _BYTE_SCALE:
            return (
                f"'{step.name}' multiplies by {scale:.3g} what is scaled already: with "
                f"normalization: {subject.config.normalization} pixels do not come as 0..255; "
                "leave it out"
            )
    return None
