"""fastnet's shape, and the whitening layer that is set from images."""

from __future__ import annotations

import torch

from cnnlab.models import load_architecture
from cnnlab.models.modules.whitening import whitening_filters


def test_fastnet_has_airbench_s_shape() -> None:
    summary = load_architecture("fastnet", params={"trainable_bias": True}).summary()
    kernels = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 256 * 256 + 256 * 256 + 256 * 256)
    biases = 24 + 2 * (64 + 256 + 256)
    assert summary.trainable_params == kernels + biases + 256 * 10
    pooled = [row.output_shape[0] for row in summary.layers if row.type == "MaxPooling2D"]
    assert pooled == [15, 7, 3]


def test_fastnet_whitens_the_patches_of_its_images() -> None:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(3, 3, generator=generator)
    images = torch.einsum("ij,njhw->nihw", mixing, torch.randn(600, 3, 12, 12, generator=generator))
    params = {"trainable_bias": True}
    network = load_architecture("fastnet", input_shape=(12, 12, 3), params=params).build()
    assert network.needs_images
    network.initialize_from_images(images)
    layer = network.whitening_conv2d
    responses = layer(images).permute(1, 0, 2, 3).flatten(1)
    second_moments = responses[:12] @ responses[:12].T / responses.shape[1]
    torch.testing.assert_close(second_moments, torch.eye(12), atol=2e-2, rtol=0)
    torch.testing.assert_close(responses[12:], -responses[:12])
    assert not layer.weight.requires_grad
    assert layer.bias.requires_grad


def test_whitening_takes_images_without_any_variation() -> None:
    filters = whitening_filters(torch.ones(4, 2, 8, 8), 2)
    assert filters.shape == (8, 2, 2, 2)
    assert bool(filters.isfinite().all())


def test_whitening_is_deterministic_and_takes_large_images_in_blocks() -> None:
    images = torch.randn(3, 1, 700, 600, generator=torch.Generator().manual_seed(3))
    first, second = whitening_filters(images, 2), whitening_filters(images, 2)
    assert torch.equal(first, second)
    largest = first.flatten(1).gather(1, first.flatten(1).abs().argmax(1, keepdim=True))
    assert bool((largest > 0).all())


def test_fastnet_without_a_trainable_bias() -> None:
    network = load_architecture("fastnet", params={"trainable_bias": False}).build()
    assert not network.whitening_conv2d.bias.requires_grad
