"""What every weighed map has to show: a planted object, and what was learnt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from small_bundles import CORNERS, PATCH, bundle_of_architecture, planted_images

from cnnlab.bundle import Bundle
from cnnlab.explanation import grad_cam, important_region, layer_cam

Method = Callable[[Bundle, np.ndarray, int], np.ndarray]
METHODS = pytest.mark.parametrize("method", [grad_cam, layer_cam])


@METHODS
def test_the_heat_lies_where_the_planted_patch_is(method: Method, planted: Bundle) -> None:
    images, labels, corners = planted_images(24, seed=11)
    assert set(corners) == {0, 1, 2, 3}
    inside = []
    for image, label, corner in zip(images, labels, corners, strict=True):
        heat = method(planted, image, label)
        row, column = CORNERS[corner]
        near = np.zeros(heat.shape, dtype=bool)
        near[max(row - 2, 0) : row + PATCH + 2, max(column - 2, 0) : column + PATCH + 2] = True
        inside.append(heat[near].sum() / heat.sum())
        assert near[np.unravel_index(heat.argmax(), heat.shape)]
        box = important_region(heat)
        assert box is not None
        assert abs((box.top + box.bottom) / 2 - (row + PATCH / 2)) < PATCH
        assert abs((box.left + box.right) / 2 - (column + PATCH / 2)) < PATCH
    assert np.mean(inside) > 0.6  # by chance it would be 36 pixels of 256: 0.14


@METHODS
def test_random_weights_give_another_map(method: Method, planted: Bundle) -> None:
    """The sanity check of Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018.

    A map that stays when what was learnt is gone tells of edges in the image, not of the network.
    """
    images, labels, _ = planted_images(12, seed=5)
    learnt = [method(planted, *pair) for pair in zip(images, labels, strict=True)]
    correlations = []
    for seed in range(4):
        untrained = bundle_of_architecture(planted.architecture, seed=100 + seed)
        for image, label, heat in zip(images, labels, learnt, strict=True):
            other = method(untrained, image, label)
            # A map of zeros orders nothing.
            flat = other.max() == 0
            correlations.append(0.0 if flat else spearmanr(heat, other, axis=None).statistic)
    assert abs(np.mean(correlations)) < 0.25
    # The measure itself can tell: the same weights, a little disturbed, keep the map.
    near = bundle_of_architecture(planted.architecture)
    state = planted.network.state_dict()
    generator = torch.Generator().manual_seed(0)
    near.network.load_state_dict(
        {name: value * (1 + 0.02 * torch.randn(value.shape, generator=generator))
         for name, value in state.items()}
    )  # fmt: skip
    kept = [
        spearmanr(heat, method(near, image, label), axis=None).statistic
        for image, label, heat in zip(images, labels, learnt, strict=True)
    ]
    assert np.mean(kept) > 0.9
