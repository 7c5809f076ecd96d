"""The picture of confidence shows the numbers that it was given."""

from __future__ import annotations

import numpy as np
import pytest

from cnnlab.errors import InputError
from cnnlab.evaluation.figures import calibration_figure
from cnnlab.metrics import coverage_curve, reliability_bins, softmax


def test_it_draws_the_bins_and_the_curve() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 400)
    shares = softmax(2 * rng.normal(size=(400, 4)) + 2 * np.eye(4)[labels])
    bins, curve = reliability_bins(shares, labels), coverage_curve(shares, labels)
    picture = calibration_figure(bins, curve, title="$run$")
    left, right = picture.figure().axes
    points = left.containers[0].lines[0]
    np.testing.assert_allclose(
        points.get_xdata().astype(float), [100 * group.confidence for group in bins]
    )
    np.testing.assert_allclose(
        points.get_ydata().astype(float), [100 * group.accuracy for group in bins]
    )
    drawn = right.lines[0]
    assert drawn.get_ydata()[-1] == pytest.approx(100 * curve.accuracy[-1])
    assert f"{100 * curve.area:.2f}%" in right.texts[0].get_text()
    assert picture.svg() == picture.svg()
    assert len(picture.svg()) < 120_000


def test_one_image_and_none() -> None:
    bins, curve = reliability_bins([[0.9, 0.1]], [0]), coverage_curve([[0.9, 0.1]], [0])
    assert calibration_figure(bins, curve, title="one").svg()
    with pytest.raises(InputError, match="no bin to draw"):
        calibration_figure([], curve, title="none")
