"""What a network for other classes takes from a trained one, and what stays as it is."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.config import InitConfig
from cnnlab.errors import ConfigError, RunError, UnknownNameError
from cnnlab.inference import Preprocessing
from cnnlab.models import MODELS, Architecture, load_architecture
from cnnlab.runs import Run
from cnnlab.training.base_run import BaseRun
from cnnlab.training.transplant import for_classes, frozen_layers, head_layers, plan_transplant

NAMES = ("ant", "bee", "cat", "dog", "eel")
LAYERS = (
    {"type": "Conv2D", "filters": 4, "kernel_size": 3},
    {"type": "BatchNormalization"},
    {"type": "GlobalAveragePooling2D"},
    {"type": "Dense", "units": "classes"},
)


def small(classes, layers=LAYERS):
    return Architecture(name="small", input_shape=(6, 6, 3), classes=classes, layers=layers)


def base_of(layers=LAYERS, names=NAMES, head="match"):
    """A run's network with drawn weights, as if it had been trained."""
    architecture = small(len(names), layers)
    tensors = architecture.build(torch.Generator().manual_seed(1)).state_dict()
    preprocessing = Preprocessing((0.5,) * 3, (0.2,) * 3, (6, 6))
    init = InitConfig(run="base", head=head)
    return BaseRun(Run(Path("base")), init, dict(tensors), architecture, preprocessing, names)


def network_after(base, names):
    """The network for ``names`` after the transplant, and the same before it."""
    architecture = for_classes(base.architecture, len(names))
    network = architecture.build(torch.Generator().manual_seed(2))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    plan_transplant(base, architecture, names).into(network)
    return network.eval(), before


@given(st.lists(st.sampled_from([*NAMES, "fox", "gnu"]), min_size=2, max_size=7, unique=True))
def test_classes_of_the_same_name_keep_their_logits_whatever_their_order(names):
    base = base_of()
    network, before = network_after(base, tuple(names))
    images = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(3))
    old = base.architecture.build()
    old.load_state_dict(base.tensors)
    with torch.no_grad():
        expected, logits = old.eval()(images), network(images)
    for column, name in enumerate(names):
        if name in NAMES:
            torch.testing.assert_close(logits[:, column], expected[:, NAMES.index(name)])
        else:
            new = network.state_dict()["dense.weight"][column]
            assert torch.equal(new, before["dense.weight"][column])


def test_the_same_classes_take_everything_and_a_new_head_takes_none():
    whole, _ = network_after(base_of(), NAMES)
    assert all(
        torch.equal(value, base_of().tensors[key]) for key, value in whole.state_dict().items()
    )
    renewed, before = network_after(base_of(head="new"), NAMES)
    for key, value in renewed.state_dict().items():
        expected = before if key.startswith("dense.") else base_of().tensors
        assert torch.equal(value, expected[key]), key


def test_a_head_of_several_layers_is_drawn_anew_for_other_classes():
    layers = (*LAYERS, {"type": "Dense", "units": "classes"})
    base = base_of(layers)
    assert head_layers(base.architecture) == ("dense", "dense_1")
    network, before = network_after(base, NAMES[:3])
    for key in ("dense.weight", "dense_1.weight"):
        assert torch.equal(network.state_dict()[key], before[key])
    assert torch.equal(network.state_dict()["conv2d.weight"], base.tensors["conv2d.weight"])


@pytest.mark.parametrize("name", MODELS.names())
def test_every_model_is_fitted_to_other_classes_and_keeps_its_features(name):
    ten, three = load_architecture(name), for_classes(load_architecture(name), 3)
    assert three.steps[-1].output_shape == (3,)
    head = head_layers(ten)
    assert frozen_layers(three, "features") == tuple(
        step.name for step in ten.steps if step.name not in head
    )
    assert all(
        (one.trainable_params == two.trainable_params) == (one.name not in head[:1])
        for one, two in zip(ten.steps, three.steps, strict=True)
    )


def test_a_head_written_as_a_number_is_fitted_too():
    layers = ({"type": "Conv2D", "filters": 5, "kernel_size": 6}, {"type": "Flatten"},
              {"type": "Dense", "units": 5})  # fmt: skip
    fitted = for_classes(small(5, layers), 3)
    assert [step.output_shape for step in fitted.steps] == [(1, 1, 5), (5,), (3,)]


def test_what_is_frozen_is_a_beginning_that_leaves_something_to_train():
    architecture = small(5)
    assert frozen_layers(architecture, "none") == ()
    assert frozen_layers(architecture, "conv2d") == ("conv2d",)
    assert frozen_layers(architecture, "features")[-1] == "global_average_pooling2d"
    with pytest.raises(UnknownNameError, match=r"init\.freeze: no layer .* 'conv2dd'; did you"):
        frozen_layers(architecture, "conv2dd")
    with pytest.raises(ConfigError, match="nothing behind 'dense' is left to train"):
        frozen_layers(architecture, "dense")


@pytest.mark.parametrize("change", ["missing", "extra", "shape", "type"])
def test_weights_that_do_not_fit_the_runs_own_architecture_are_refused(change):
    base = base_of()
    weight = base.tensors.pop("conv2d.weight")
    if change != "missing":
        name = "conv9.weight" if change == "extra" else "conv2d.weight"
        base.tensors[name] = weight[:2] if change == "shape" else weight.double()
    with pytest.raises(RunError, match="weights and architecture do not fit"):
        network_after(base, NAMES)
