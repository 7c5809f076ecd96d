"""Intervals of means over images, against statsmodels and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from cnnlab.errors import InputError
from cnnlab.metrics.clustered import clustered_interval
from cnnlab.metrics.statistics import wilson_interval


def test_it_is_the_cluster_robust_interval_of_all_answers():
    rng = np.random.default_rng(0)
    right = (rng.random((300, 1)) + 0.3 * rng.normal(size=(300, 12))) < 0.6
    groups = np.repeat(np.arange(300), 12)
    fitted = sm.OLS(right.ravel().astype(float), np.ones(3600)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    low, high = fitted.conf_int()[0]
    found = clustered_interval(right.mean(axis=1))
    # Ours divides by one image less.
    assert found == pytest.approx((low, high), abs=1e-4)


def test_it_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        shares = rng.binomial(15, rng.beta(2, 1, size=200)) / 15
        low, high = clustered_interval(shares)
        covered += low <= 2 / 3 <= high
    assert 0.92 < covered / 400 < 0.98


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_images_that_are_all_alike_are_no_certainty(share):
    assert clustered_interval(np.full(20, share)) == wilson_interval(round(20 * share), 20)


def test_one_image_has_no_interval():
    with pytest.raises(InputError, match="at least 2"):
        clustered_interval(np.array([0.5]))
