"""What every registered model has to do, because it is registered."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from cnnlab.errors import ArchitectureError, CnnlabError, UnknownNameError
from cnnlab.models import BUILDERS, MODELS, Architecture, load_architecture, load_model_file
from cnnlab.models.builders import builder_params

NAMES = MODELS.names()
#: Small widths, so that the builders' tests stay quick; the zoo's models have none.
SMALL = {
    "convnet": {"widths": [8, 16, 16], "dense": 16},
    "fastnet": {"widths": [8, 16, 16]},
    "resnet18": {"width": 8},
}


def _architecture(name: str, shape: tuple[int, int, int], classes: int = 5) -> Architecture:
    return load_architecture(name, input_shape=shape, classes=classes, params=SMALL.get(name))


def _images(count: int, shape: tuple[int, int, int]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(count, shape[2], *shape[:2], generator=generator)


def test_names() -> None:
    zoo = [f"model-{letter}" for letter in "abcdef"]
    assert sorted(["convnet", "fastnet", "resnet18", *zoo]) == NAMES
    assert BUILDERS.names() == ["convnet", "fastnet", "resnet18"]
    assert {load_model_file(name).builder for name in NAMES} == {None, *BUILDERS}


@pytest.mark.parametrize("name", NAMES)
def test_model_says_what_it_is(name: str) -> None:
    model = load_model_file(name)
    assert model.name == name
    assert len(model.description) > 20
    assert "\n" not in model.description


@pytest.mark.parametrize("name", NAMES)
def test_summary_counts_what_torch_holds_and_computes(name: str) -> None:
    architecture = load_architecture(name)
    summary = architecture.summary()
    network = architecture.build().eval()
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    held = sum(tensor.numel() for tensor in network.state_dict().values())
    assert summary.trainable_params == trainable
    assert summary.total_params == held
    with FlopCounterMode(display=False) as counter:
        logits = network(_images(1, architecture.input_shape))
    assert summary.flops == counter.get_total_flops()
    assert logits.shape == (1, 10)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_forward_and_backward_on_any_channels_and_odd_sizes(name: str, channels: int) -> None:
    shape = (17, 19, channels)
    network = _architecture(name, shape).build()
    images = _images(6, shape).to(memory_format=torch.channels_last)
    network.initialize_from_images(images)
    logits = network(images)
    assert logits.shape == (6, 5)
    logits.square().sum().backward()
    for key, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert bool(parameter.grad.isfinite().all()), key


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_one_image_trains(name: str) -> None:
    shape = (16, 16, 3)
    network = _architecture(name, shape).build().train()
    logits = network(_images(1, shape))
    logits.sum().backward()
    assert bool(logits.isfinite().all())
    assert all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values())


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_the_weights_and_memory_format_nothing(name: str) -> None:
    architecture = _architecture(name, (16, 16, 3))
    before = torch.get_rng_state()
    first, second, other = (
        architecture.build(torch.Generator().manual_seed(seed)).eval() for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    from_global = architecture.build()
    images = _images(3, (16, 16, 3))
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key]), key
        assert torch.equal(value, from_global.state_dict()[key]), key
    assert not torch.equal(first(images), other(images))
    last = second.to(memory_format=torch.channels_last)
    again = last(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(first(images), again, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_does_not_depend_on_the_batch(name: str) -> None:
    network = _architecture(name, (16, 16, 3)).build().eval()
    images = _images(7, (16, 16, 3))
    single = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), single, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_network_copies_and_trains_in_bfloat16(name: str) -> None:
    network = _architecture(name, (16, 16, 3)).build()
    twin = copy.deepcopy(network).train()
    images = _images(4, (16, 16, 3)).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = twin(images)
    logits.float().square().sum().backward()
    assert all(bool(tensor.isfinite().all()) for tensor in twin.state_dict().values())
    assert {tensor.dtype for tensor in twin.state_dict().values()} == {torch.float32}
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_and_thousand_classes(name: str) -> None:
    architecture = _architecture(name, (20, 24, 3), classes=1000)
    again = Architecture.from_dict(architecture.to_dict())
    assert again == architecture
    assert again.summary().layers[-1].output_shape == (1000,)


@pytest.mark.parametrize("name", NAMES)
def test_images_that_are_too_small_are_named(name: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        _architecture(name, (1, 1, 3))
    assert name in str(caught.value)


@pytest.mark.parametrize("name", BUILDERS.names())
@pytest.mark.parametrize("side", [8, 9, 31, 64])
def test_builders_take_any_size_from_eight(name: str, side: int) -> None:
    network = _architecture(name, (side, side + 3, 1)).build().eval()
    assert network(_images(2, (side, side + 3, 1))).shape == (2, 5)
    with pytest.raises(ArchitectureError, match="at least 8"):
        _architecture(name, (7, side, 1))


def test_convnet_is_model_f_layer_for_layer_and_as_it_is_trained() -> None:
    family, model = load_model_file("convnet"), load_model_file("model-f")
    for part in ("training", "optimizer", "schedule", "normalization"):
        assert getattr(family, part) == getattr(model, part)
    ours, theirs = (file.architecture().summary().layers for file in (family, model))
    assert [(row.type, row.output_shape, row.params) for row in ours] == [
        (row.type, row.output_shape, row.params) for row in theirs
    ]
    rates = [[m.p for m in a.build().modules() if type(m).__name__.startswith("Dropout")]
             for a in (family.architecture(), model.architecture())]  # fmt: skip
    assert rates[0] == rates[1] == [0.15, 0.25]


def test_convnet_takes_blocks_out_and_refuses_lists_that_do_not_fit() -> None:
    def types(**params: object) -> list[str]:
        rows = load_architecture("convnet", params=params).summary().layers
        return [row.type for row in rows]

    assert types(widths=[8], dense=0, dropout=0, batchnorm=False) == [
        "Conv2D", "Activation", "MaxPooling2D", "Flatten", "Dense",
    ]  # fmt: skip
    assert types(widths=[4, 4, 4, 4]).count("SpatialDropout2D") == 2
    assert types(widths=[4, 4], depths=[3, 1]).count("Conv2D") == 4
    with pytest.raises(ArchitectureError, match="2 widths and 3 kernels"):
        types(widths=[4, 4], kernels=[3, 3, 3])
    with pytest.raises(ArchitectureError, match=r"widths is \[\]; expected a list of 1 to 8"):
        types(widths=[])


def test_resnet18_has_the_known_number_of_parameters() -> None:
    summary = load_architecture("resnet18").summary()
    assert summary.trainable_params == 11_173_962
    assert summary.non_trainable_params == 2 * 4_800
    assert [row.output_shape for row in summary.layers[3:11:2]] == [
        (32, 32, 64),
        (16, 16, 128),
        (8, 8, 256),
        (4, 4, 512),
    ]


def test_residual_block_is_the_sum_of_its_branches() -> None:
    network = _architecture("resnet18", (8, 8, 3)).build().eval()
    block = network.residual_block_2
    x = torch.randn(2, 8, 8, 8)
    expected = torch.relu(block.main(x) + block.shortcut(x))
    torch.testing.assert_close(block(x), expected)
    assert len(list(network.residual_block.shortcut.children())) == 0


def test_initialization_from_images_leaves_mode_and_statistics_alone() -> None:
    network = _architecture("fastnet", (16, 16, 3)).build().train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.initialize_from_images(_images(30, (16, 16, 3)))
    assert network.training
    changed = {k for k, v in network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {"whitening_conv2d.weight"}


def test_models_without_data_dependent_weights_ignore_images() -> None:
    network = _architecture("model-c", (16, 16, 3)).build()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert not network.needs_images
    network.initialize_from_images(_images(3, (16, 16, 3)))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("fastnet", {"width": [8]}, "fastnet has no parameter 'width'; did you mean 'widths'?"),
        ("fastnet", {"widths": 64}, "widths is 64; expected a list of 1 to 8 whole numbers"),
        ("fastnet", {"depths": [1]}, "3 widths and 1 depths; expected one of each for every block"),
        ("fastnet", {"depths": [0, 1, 1]}, "depths is [0, 1, 1]; expected a whole number from 1"),
        ("fastnet", {"widths": [0]}, "widths is [0]; expected a whole number from 8"),
        ("fastnet", {"activation": "tanh"}, "activation is 'tanh'; expected one of gelu, relu"),
        ("fastnet", {"logit_scale": 0}, "logit_scale is 0; expected a number above 0"),
        ("fastnet", {"trainable_bias": 1}, "trainable_bias is 1; expected true or false"),
        ("resnet18", {"width": 2.5}, "width is 2.5; expected a whole number from 1 to 4096"),
    ],
)
def test_params_of_builders_are_checked(
    name: str, params: dict[str, object], expected: str
) -> None:
    with pytest.raises(CnnlabError) as caught:
        load_architecture(name, params=params)
    assert isinstance(caught.value, ArchitectureError | UnknownNameError)
    assert expected in str(caught.value)


def test_every_parameter_of_a_builder_is_in_its_architecture() -> None:
    architecture = load_architecture("fastnet", params={"widths": [8, 8], "activation": "gelu"})
    of_the_zoo = load_model_file("fastnet").params
    expected = {**builder_params("fastnet"), **of_the_zoo, "widths": [8, 8], "activation": "gelu"}
    assert architecture.params == expected
    assert architecture.to_dict()["params"]["activation"] == "gelu"


def test_depths_are_the_convolutions_of_each_block() -> None:
    architecture = load_architecture("fastnet", params={"widths": [8, 16], "depths": [1, 3]})
    filters = [
        row.output_shape[-1] for row in architecture.summary().layers if row.type == "Conv2D"
    ]
    assert filters == [8, 16, 16, 16]


def test_own_file_can_name_a_builder(tmp_path: Path) -> None:
    path = tmp_path / "narrow.yaml"
    path.write_text("builder: fastnet\nparams: {widths: [8]}\n", encoding="utf-8")
    architecture = load_architecture(path, input_shape=(12, 12, 1), classes=4)
    assert (architecture.name, architecture.builder) == ("narrow", "fastnet")
    assert architecture.params["widths"] == [8]
    path.write_text("builder: fastnett\ninput_shape: [9, 9, 1]\nclasses: 3\n", encoding="utf-8")
    with pytest.raises(UnknownNameError, match="did you mean 'fastnet'"):
        load_architecture(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "x/" * 3000])
def test_a_name_that_no_file_could_have_is_unknown(name: str) -> None:
    """Found by fuzzing: asking the system whether there is such a file was a traceback."""
    with pytest.raises(UnknownNameError, match="no model is called"):
        load_model_file(name)
