"""Means and variances of channels, against NumPy's own."""

from __future__ import annotations

import numpy as np
import pytest

from cnnlab.data import moments
from cnnlab.data.moments import channel_moments


@pytest.mark.parametrize("block_bytes", [1, 300, 16 << 20])
def test_moments_are_numpy_s_whatever_the_blocks(
    block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moments, "_BLOCK_BYTES", block_bytes)
    images = np.random.default_rng(0).integers(0, 256, (20, 5, 7, 3), dtype=np.uint8)
    rows = np.array([3, 4, 9, 19])
    mean, variance = channel_moments(images, rows)
    chosen = images[rows].astype(np.float64) / 255
    np.testing.assert_allclose(mean, chosen.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(variance, chosen.var(axis=(0, 1, 2)), atol=1e-12)
