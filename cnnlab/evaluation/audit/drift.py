"""Whether two parts' images come from the same world: brightness and colour, and a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.evaluation.audit.blocks import blocks
from cnnlab.evaluation.audit.hashing import grey_of, resampling
from cnnlab.metrics.ranking import auc_with_interval
from cnnlab.metrics.statistics import Interval

__all__ = ["FEWEST_IMAGES", "Drift", "Effect", "find_drift", "simple_features"]

#: Of a larger part so many images are drawn.
_MOST_IMAGES = 5_000
#: A part of fewer images shows nothing.
FEWEST_IMAGES = 20
#: The image as so many areas a direction, a feature each.
_AREAS = 4
#: So that a difference between constants is a large effect, and still a number.
_LEAST_DEVIATION = 1e-6


@dataclass(frozen=True)
class Effect:
    """One property's mean in both parts, in units of pixel / 255.

    Attributes
    ----------
    size: Cohen's d, the difference of the means over the pooled standard deviation.
    """

    name: str
    mean: float
    reference_mean: float
    size: float


@dataclass(frozen=True)
class Drift:
    """How a part's images differ from those of the reference.

    Attributes
    ----------
    auc: how well a classifier that learnt from one half of each part's images tells the other
        halves apart: 0.5 is not at all, 1 always.
    interval: its 95% interval.
    images: that were compared, of the part and of the reference.
    """

    part: str
    reference: str
    effects: tuple[Effect, ...]
    auc: float
    interval: Interval
    images: tuple[int, int]

    @property
    def seen(self) -> bool:
        """Whether the parts can be told apart better than by chance."""
        return self.interval.low > 0.5

    def to_text(self) -> str:
        """The verdict in a line."""
        low, high = self.interval
        verdict = "drift" if self.seen else "no drift seen"
        against = f"{self.part} against {self.reference}"
        return f"{against}: {verdict}: AUC {self.auc:.2f} ({low:.2f} to {high:.2f})"


def find_drift(
    images: NDArray[np.uint8],
    parts: Mapping[str, NDArray[np.int64]],
    *,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> list[Drift]:
    """Hold each part of uint8 images ``[N, H, W, C]`` against the first one.

    A classifier two-sample test (D. Lopez-Paz and M. Oquab, ICLR 2017): logistic regression on
    simple features of one half of the images, judged on the other half, DeLong's interval. (Scores
    from cross-validation are not independent: their interval was too narrow.) Of each part at most
    5,000 images are drawn; parts of fewer than 20 are left out. It sees what brightness, contrast,
    colour, sharpness and layout show, and no more. Where ``groups``, ``[N]``, tell which images
    are copies of which, each picture counts once in a part.
    """
    generator = np.random.default_rng([seed, 0xD217])
    features: dict[str, NDArray[np.float64]] = {}
    names: tuple[str, ...] = ()
    for part, rows in parts.items():
        once = rows if groups is None else rows[np.unique(groups[rows], return_index=True)[1]]
        some = generator.permutation(once)[:_MOST_IMAGES]
        if len(some) >= FEWEST_IMAGES:
            found = [simple_features(images[some[b]]) for b in blocks(len(some), images.shape[1:])]
            features[part], names = np.concatenate([values for values, _ in found]), found[0][1]
    reference, *others = features or [""]
    return [_compared(part, reference, features, names) for part in others]


def _compared(
    part: str,
    reference: str,
    features: Mapping[str, NDArray[np.float64]],
    names: tuple[str, ...],
) -> Drift:
    here, there = features[part], features[reference]
    auc, interval = _two_sample_test(here, there)
    effects = tuple(
        _effect(name, here[:, column], there[:, column]) for column, name in enumerate(names)
    )
    return Drift(part, reference, effects, auc, interval, (len(here), len(there)))


def _effect(name: str, here: NDArray[np.float64], there: NDArray[np.float64]) -> Effect:
    degrees = len(here) + len(there) - 2
    squares = here.var(ddof=1) * (len(here) - 1) + there.var(ddof=1) * (len(there) - 1)
    deviation = float(np.sqrt(squares / degrees))
    difference = float(here.mean() - there.mean())
    size = difference / max(deviation, _LEAST_DEVIATION)
    return Effect(name, float(here.mean()), float(there.mean()), size)


def _two_sample_test(
    here: NDArray[np.float64], there: NDArray[np.float64]
) -> tuple[float, Interval]:
    """Learn from the first halves, which were drawn, and judge on the second ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sides = [np.array_split(side, 2) for side in (here, there)]
    learnt = np.concatenate([first for first, _ in sides])
    kinds = np.repeat([1, 0], [len(first) for first, _ in sides])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(learnt, kinds)
    return auc_with_interval(*(model.decision_function(second) for _, second in sides))


def simple_features(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """What can be said of images ``[N, H, W, C]`` without a network.

    Returns float64 ``[N, F]`` in units of pixel / 255, and the names of the first columns: mean
    of each channel, brightness, contrast, sharpness. The others are brightness by area.
    """
    count, height, width, channels = images.shape
    grey = grey_of(images).astype(np.float64) / 255
    means = images.reshape(count, -1, channels).mean(axis=1) / 255
    colours = {1: (), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
    steps = np.abs(np.diff(grey, axis=2)).mean(axis=(1, 2))
    areas = resampling(height, _AREAS) @ grey @ resampling(width, _AREAS).T
    shown = means if channels > 1 else means[:, :0]
    overall = np.stack([grey.mean(axis=(1, 2)), grey.std(axis=(1, 2)), steps], axis=1)
    names = (*colours.get(channels, ()), "brightness", "contrast", "sharpness")
    return np.concatenate([shown, overall, areas.reshape(count, -1)], axis=1), names
