"""Frozen layers, against Keras where it says what frozen means."""

import numpy as np
import pytest
import torch

from cnnlab.models import load_architecture
from cnnlab.models.modules import BatchNorm


@pytest.fixture
def batch():
    return torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1


def test_frozen_batch_normalisation_is_keras_where_trainable_is_false(keras, batch):
    ours = BatchNorm(3, momentum=0.9, epsilon=1e-3, center=True, scale=True).train()
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3)
    theirs.build((None, 4, 4, 3))
    statistics = {"moving_mean": [0.5, -1.0, 2.0], "moving_variance": [1.5, 0.2, 4.0]}
    for name, values in statistics.items():
        getattr(ours, name).copy_(torch.tensor(values))
        getattr(theirs, name).assign(np.array(values))
    last = batch.permute(0, 2, 3, 1)
    for frozen in (True, False):
        ours.frozen, theirs.trainable = frozen, not frozen
        expected = theirs(last, training=True).detach().permute(0, 3, 1, 2)
        torch.testing.assert_close(ours(batch).detach(), expected, rtol=1e-5, atol=1e-5)
        for name in statistics:
            moved = getattr(theirs, name).value.detach()
            torch.testing.assert_close(getattr(ours, name), moved, rtol=1e-5, atol=1e-6)
    assert ours.moving_mean.tolist() != statistics["moving_mean"]


def test_a_frozen_beginning_gets_no_gradient_and_keeps_its_statistics():
    architecture = load_architecture("resnet18", input_shape=(8, 8, 3), params={"width": 4})
    network = architecture.build(torch.Generator().manual_seed(0))
    names = [step.name for step in architecture.steps]
    frozen = names[: names.index("residual_block_2") + 1]
    network.freeze(frozen)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    network.train()(images).sum().backward()
    for key, value in network.state_dict().items():
        if key.partition(".")[0] in frozen:
            assert torch.equal(value, before[key]), key
        elif "moving" in key:
            assert not torch.equal(value, before[key]), key
    for key, parameter in network.named_parameters():
        assert (parameter.grad is None) == (key.partition(".")[0] in frozen), key
