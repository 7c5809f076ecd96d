"""Modules in training: moving statistics, dropout, drawn weights; Keras is the oracle."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch
from keras_oracle import as_array, channels_first, channels_last, shake, torch_weights

from cnnlab.models import LAYERS
from cnnlab.models.modules import draw_weights


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.99])
@pytest.mark.parametrize("shape", [(4, 5, 3), (6,)])
def test_batch_normalization_training_step_agrees_with_keras(
    keras: ModuleType, momentum: float, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    images = rng.normal(0.5, 2, (7, *shape)).astype("float32")
    theirs = keras.layers.BatchNormalization(momentum=momentum)
    theirs.build((None, *shape))
    shake(theirs, rng)
    ours = LAYERS.get("BatchNormalization")(momentum=momentum).build(shape)
    ours.load_state_dict(torch_weights(theirs))
    ours.train()
    x, y = channels_first(images).requires_grad_(), torch.from_numpy(images).requires_grad_()

    output, expected = ours(x), theirs(y, training=True)
    output.square().sum().backward()
    expected.square().sum().backward()

    np.testing.assert_allclose(channels_last(output), as_array(expected), atol=2e-5)
    np.testing.assert_allclose(channels_last(x.grad), as_array(y.grad), atol=2e-3, rtol=1e-4)
    after = torch_weights(theirs)
    for name in ("moving_mean", "moving_variance"):
        np.testing.assert_allclose(
            as_array(ours.state_dict()[name]), as_array(after[name]), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("shape", [(1, 1, 3), (3,)])
def test_batch_normalization_takes_a_single_value_a_channel(
    keras: ModuleType, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(2)
    images = rng.normal(0, 1, (1, *shape)).astype("float32")
    theirs = keras.layers.BatchNormalization()
    theirs.build((None, *shape))
    shake(theirs, rng)
    ours = LAYERS.get("BatchNormalization")().build(shape)
    ours.load_state_dict(torch_weights(theirs))
    ours.train()

    output = ours(channels_first(images).requires_grad_())
    expected = theirs(images, training=True)

    output.sum().backward()
    np.testing.assert_allclose(channels_last(output), as_array(expected), atol=1e-6)
    for name in ("moving_mean", "moving_variance"):
        np.testing.assert_allclose(
            as_array(ours.state_dict()[name]),
            as_array(torch_weights(theirs)[name]),
            rtol=1e-6,
            atol=1e-7,
        )


def test_dropout_is_off_in_evaluation_and_keeps_the_mean_in_training() -> None:
    x = torch.ones(64, 32, 6, 6)
    module = LAYERS.get("Dropout")(rate=0.25).build((6, 6, 32))
    torch.manual_seed(0)
    dropped = module.train()(x)
    assert dropped.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)
    assert torch.equal(module.eval()(x), x)


def test_spatial_dropout_drops_whole_channels() -> None:
    torch.manual_seed(0)
    module = LAYERS.get("SpatialDropout2D")(rate=0.5).build((6, 6, 32)).train()
    maps = module(torch.ones(8, 32, 6, 6)).flatten(2)
    assert bool((maps == maps[..., :1]).all())
    assert 0.3 < (maps[..., 0] == 0).float().mean().item() < 0.7


@pytest.mark.parametrize(
    ("name", "kernel"),
    [("Conv2D", (3, 3, 8, 96)), ("Dense", (200, 120)), ("DepthwiseConv2D", (5, 5, 64, 2))],
)
def test_kernels_are_drawn_as_keras_draws_them(
    keras: ModuleType, name: str, kernel: tuple[int, ...]
) -> None:
    """Same bound and same variance; the numbers themselves come from different generators."""
    sizes = {"units": kernel[1]} if name == "Dense" else {"kernel_size": kernel[0]}
    sizes |= {"Conv2D": {"filters": 96}, "DepthwiseConv2D": {"depth_multiplier": 2}}.get(name, {})
    shape = (12, 12, kernel[2]) if len(kernel) == 4 else (kernel[0],)
    module = LAYERS.get(name)(**sizes).build(shape)
    draw_weights(module, torch.Generator().manual_seed(0))
    theirs = as_array(keras.initializers.GlorotUniform(seed=1)(kernel))
    weight = module.weight.detach().numpy()
    assert weight.size == theirs.size
    assert np.abs(weight).max() == pytest.approx(np.abs(theirs).max(), rel=0.01)
    assert weight.std() == pytest.approx(theirs.std(), rel=0.05)
    assert not module.bias.any()


@pytest.mark.parametrize(
    "name",
    ["glorot_normal", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform"],
)
def test_other_initializers_agree_with_keras(keras: ModuleType, name: str) -> None:
    module = LAYERS.get("Dense")(units=150, kernel_initializer=name).build((300,))
    draw_weights(module, torch.Generator().manual_seed(0))
    theirs = as_array(keras.initializers.get(name)((300, 150)))
    weight = module.weight.detach().numpy()
    # Not the maxima: Keras on torch lets a truncated normal through its bounds now and then.
    for share in (0.5, 0.9, 0.99):
        expected = np.quantile(np.abs(theirs), share)
        assert np.quantile(np.abs(weight), share) == pytest.approx(expected, rel=0.03)
    assert weight.std() == pytest.approx(theirs.std(), rel=0.02)


def test_dirac_passes_its_input_on() -> None:
    layer = LAYERS.get("Conv2D")(
        filters=9, kernel_size=3, padding="same", use_bias=False, kernel_initializer="dirac"
    )
    module = layer.build((5, 5, 4))
    draw_weights(module, torch.Generator().manual_seed(0))
    x = torch.randn(2, 4, 5, 5)
    torch.testing.assert_close(module(x)[:, :4], x)
    assert module.weight[4:].abs().max().item() <= 1 / 6


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_relu_at_its_very_threshold_agrees_with_keras(keras: ModuleType, slope: float) -> None:
    # As pixels do: 51 / 255 is 0.2.
    values = np.array([[0.0, 51 / 255, 0.3, 0.5, 0.9]], dtype="float32")
    options = {"max_value": 0.5, "negative_slope": slope, "threshold": 0.2}
    ours = LAYERS.get("ReLU")(**options).build((5,))
    expected = as_array(keras.layers.ReLU(**options)(values))
    np.testing.assert_allclose(ours(torch.from_numpy(values)).numpy(), expected, atol=1e-7)
