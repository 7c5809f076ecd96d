"""One image, what the model says of it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.explanation.nearest import Neighbours
from cnnlab.explanation.region import Box, important_region
from cnnlab.prediction import ImagePrediction
from cnnlab.tables import ShownAsText, printable

if TYPE_CHECKING:
    from cnnlab.evaluation.figures import Picture

__all__ = ["Explanation", "HeatMap"]


@dataclass(frozen=True, eq=False)
class HeatMap:
    """What each pixel is worth to a class.

    Attributes
    ----------
    method: "grad-cam", "layer-cam" or "occlusion".
    values: float32 ``[H, W]``; positive speaks for the class.
    unit: of the values: "logit", or "probability", of which occlusion's are the drop.
    made: how, in words: the layer, or patch and stride.
    settings: the same as plain values.
    """

    method: str
    values: NDArray[np.float32]
    unit: str
    made: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def region(self) -> Box | None:
        """Around the part that matters most; None where nothing speaks for the class."""
        return important_region(self.values)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, without the map."""
        region = self.region
        return {
            "method": self.method,
            **self.settings,
            "unit": self.unit,
            "largest": float(self.values.max()),
            "smallest": float(self.values.min()),
            "region": None if region is None else region._asdict(),
        }

    def to_text(self) -> str:
        """One line: the part that matters most."""
        height, width = self.values.shape
        region = self.region
        if region is None:
            hint = "; --unit logit may tell more" if self.unit == "probability" else ""
            return f"{self.method} ({self.made}): nothing speaks for it{hint}"
        less = "less " if self.method == "occlusion" else ""
        return (
            f"{self.method} ({self.made}): most important: {region.where(height, width)}, "
            f"{_span('column', region.left, region.right)}, "
            f"{_span('row', region.top, region.bottom)} of {width}x{height} pixels, "
            f"up to {self.values.max():.3g} {less}{self.unit}"
        )


def _span(name: str, first: int, end: int) -> str:
    return f"{name} {first}" if end == first + 1 else f"{name}s {first} to {end - 1}"


@dataclass(frozen=True, eq=False)
class Explanation(ShownAsText):
    """Why a model says what it says of one image.

    Attributes
    ----------
    prediction: what it says.
    class_name, probability: the class that is explained (the predicted one unless another was
        asked about), and its calibrated probability.
    image: uint8 ``[H, W, C]``, as the network gets it.
    maps: a heat map a method.
    neighbours: the training images nearest to it; None where they were not asked for.
    """

    prediction: ImagePrediction
    class_name: str
    probability: float
    image: NDArray[np.uint8]
    maps: tuple[HeatMap, ...] = ()
    neighbours: Neighbours | None = None

    def map(self, method: str) -> NDArray[np.float32]:
        """The heat map of a method, float32 ``[H, W]``; ``KeyError`` where it was not made."""
        return {each.method: each.values for each in self.maps}[method]

    def figure(self) -> Picture:
        """The image, heat maps over it, the nearest training images, with words to each."""
        from cnnlab.explanation.figure import explanation_figure

        return explanation_figure(self)

    def _repr_svg_(self) -> str:
        return self.figure().svg().decode()

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab explain --json`` prints of it, but the files."""
        height, width = self.image.shape[:2]
        return {
            **self.prediction.to_dict(),
            "explained_class": self.class_name,
            "explained_probability": self.probability,
            "image_size": [height, width],
            "maps": [each.to_dict() for each in self.maps],
            "nearest": None if self.neighbours is None else self.neighbours.to_dict(),
        }

    def to_text(self) -> str:
        """The answer, and a line or more a method."""
        said = self.prediction
        ranked = ", ".join(f"{printable(name)} {value:.4f}" for name, value in said.top)
        lines = [f"{printable(said.path)}: {ranked}"]
        if self.class_name != said.class_name:
            lines.append(f"  explained: {printable(self.class_name)} {self.probability:.4f}")
        lines += [f"  {each.to_text()}" for each in self.maps]
        if self.neighbours is not None:
            lines += [f"  {line}" for line in _nearest_lines(self.neighbours)]
        return "\n".join(lines)


def _nearest_lines(neighbours: Neighbours) -> list[str]:
    named = ", ".join(
        f"{printable(each.class_name)} {each.distance:.4f} (row {each.row})"
        for each in neighbours.found
    )
    lines = [f"nearest of {neighbours.searched:,} training images ({neighbours.metric}): {named}"]
    copies = [str(each.row) for each in neighbours.found if each.identical]
    if copies:
        rows = f"row {copies[0]}" if len(copies) == 1 else f"rows {', '.join(copies)}"
        lines.append(
            f"warning: the model was trained on this very image ({rows}), so what it says of it "
            "shows nothing about new images"
        )
    return lines
