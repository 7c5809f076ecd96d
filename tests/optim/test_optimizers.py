"""Optimizers: Keras's arithmetic, torch's momentum, options, state."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.optim import OPTIMIZERS, make_optimizer, optimizer_options

SHAPES = [(5, 3, 3, 3), (5,), (7, 45), (7,)]


def _numbers(rng: np.random.Generator, scale: float) -> list[np.ndarray]:
    return [(rng.normal(0, 1, shape) * scale).astype("float32") for shape in SHAPES]


def _parameters(values: list[np.ndarray]) -> list[tuple[str, nn.Parameter]]:
    return [(f"p{i}", nn.Parameter(torch.tensor(value))) for i, value in enumerate(values)]


def _set_grads(named: list[tuple[str, nn.Parameter]], grads: list[np.ndarray]) -> None:
    for (_, parameter), grad in zip(named, grads, strict=True):
        parameter.grad = torch.tensor(grad)


def _keras_steps(
    keras: ModuleType, optimizer: Any, start: list[np.ndarray], grads: list[list[np.ndarray]]
) -> list[np.ndarray]:
    variables = [keras.Variable(value) for value in start]
    optimizer.build(variables)
    for step in grads:
        optimizer.apply([torch.tensor(grad) for grad in step], variables)
    return [variable.value.detach().cpu().numpy() for variable in variables]


@pytest.mark.parametrize(
    ("name", "kind", "settings"),
    [
        ("adam", "Adam", {"lr": 1e-4}),
        ("adam", "Adam", {"lr": 1e-3}),
        ("adam", "Adam", {"lr": 1e-2, "weight_decay": 1e-2}),
        ("adam", "Adam", {"lr": 1e-3, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
        ("adamax", "Adamax", {"lr": 1e-3, "weight_decay": 1e-4}),
        ("adamax", "Adamax", {"lr": 1e-2, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
        ("sgd", "SGD", {"lr": 1e-2, "momentum": 0.9, "nesterov": False}),
        ("sgd", "SGD", {"lr": 1e-2, "momentum": 0.9, "weight_decay": 1e-2}),
    ],
)
def test_twenty_steps_agree_with_keras(
    keras: ModuleType, name: str, kind: str, settings: dict[str, Any]
) -> None:
    rng = np.random.default_rng(0)
    start = _numbers(rng, 0.1)
    # Sizes down to ε and exact zeros, where the places of ε differ most.
    grads = [_numbers(rng, 10.0 ** -rng.integers(0, 9)) for _ in range(20)]
    for step in grads[3:5]:
        step[1][:] = 0
    if name == "sgd":
        settings = {"nesterov": True, **settings}
    theirs = dict(settings)
    theirs["learning_rate"] = theirs.pop("lr")
    expected = _keras_steps(keras, getattr(keras.optimizers, kind)(**theirs), start, grads)

    named = _parameters(start)
    optimizer = make_optimizer(name, named, **settings)
    for step in grads:
        _set_grads(named, step)
        optimizer.step()

    for (_, parameter), value, first in zip(named, expected, start, strict=True):
        got = parameter.detach().numpy()
        assert np.abs(got - value).max() <= 1e-6 * np.abs(value).max()
        assert np.abs(value - first).max() > 1e-4


def test_adam_takes_parameters_and_gradients_in_any_memory_format() -> None:
    rng = np.random.default_rng(1)
    start, grad = _numbers(rng, 1.0), _numbers(rng, 1.0)
    plain, mixed = _parameters(start), _parameters(start)
    for named in (plain, mixed):
        optimizer = make_optimizer("adam", named, lr=0.1)
        for _ in range(4):
            _set_grads(named, grad)
            optimizer.step()
            # Beside a contiguous gradient, and from now on a contiguous state.
            if named is mixed:
                kernel = named[0][1]
                kernel.data = kernel.data.to(memory_format=torch.channels_last)
    torch.testing.assert_close(plain[0][1], mixed[0][1], rtol=1e-6, atol=1e-7)


def test_sgd_is_torch_s_without_decay() -> None:
    rng = np.random.default_rng(2)
    start = _numbers(rng, 1.0)
    ours, theirs = _parameters(start), _parameters(start)
    mine = make_optimizer("sgd", ours, lr=0.1, momentum=0.8)
    reference = torch.optim.SGD([p for _, p in theirs], lr=0.1, momentum=0.8, nesterov=True)
    for _ in range(5):
        grads = _numbers(rng, 1.0)
        for named, optimizer in ((ours, mine), (theirs, reference)):
            _set_grads(named, grads)
            optimizer.step()
    for (_, a), (_, b) in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


def _small_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(54, 3)
    )


def _loss(network: nn.Module) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(12, 2, 5, 5, generator=generator)
    labels = torch.arange(12) % 3
    return nn.functional.cross_entropy(network(images), labels)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_reduces_a_loss(name: str) -> None:
    network = _small_network()
    optimizer = make_optimizer(name, network.named_parameters(), lr=0.01, weight_decay=1e-3)
    first = _loss(network).item()
    for _ in range(40):
        optimizer.zero_grad()
        _loss(network).backward()
        optimizer.step()
    assert _loss(network).item() < 0.5 * first


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_minimises_a_quadratic(name: str) -> None:
    target = torch.linspace(-1, 1, 6)
    weight = nn.Parameter(torch.zeros(6))
    optimizer = make_optimizer(name, [("weight", weight)], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()
    torch.testing.assert_close(weight.data, target, atol=0.02, rtol=0)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_state_is_tensors_and_numbers_and_goes_on_bit_for_bit(name: str) -> None:
    def train(network: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            _loss(network).backward()
            optimizer.step()

    through, halted = _small_network(), _small_network()
    settings = {"lr": 0.01, "weight_decay": 1e-3}
    optimizer = make_optimizer(name, through.named_parameters(), **settings)
    train(through, optimizer, 9)

    first = make_optimizer(name, halted.named_parameters(), **settings)
    train(halted, first, 4)
    saved = first.state_dict()
    tensors = {
        (index, key): value.clone()
        for index, state in saved["state"].items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }
    assert len(tensors) == sum(len(state) for state in saved["state"].values())
    groups = json.loads(json.dumps(saved["param_groups"]))
    second = make_optimizer(name, halted.named_parameters(), **settings)
    state: dict[int, dict[str, Tensor]] = {index: {} for index, _ in tensors}
    for (index, key), value in tensors.items():
        state[index][key] = value
    second.load_state_dict({"state": state, "param_groups": groups})
    train(halted, second, 5)

    for key, value in through.state_dict().items():
        assert torch.equal(value, halted.state_dict()[key]), key


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_groups_keep_their_initial_rate_and_follow_a_schedule(name: str) -> None:
    network = _small_network()
    optimizer = make_optimizer(name, network.named_parameters(), lr=0.02)
    for group in optimizer.param_groups:
        assert group["initial_lr"] == group["lr"] > 0
        group["lr"] = 0.0
    before = [parameter.clone() for parameter in network.parameters()]
    _loss(network).backward()
    optimizer.step()
    for old, new in zip(before, network.parameters(), strict=True):
        if name == "muon" and new.ndim == 4:
            old = old * len(old) ** 0.5 / old.norm()
        torch.testing.assert_close(old, new, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_frozen_and_unused_parameters_stay(name: str) -> None:
    network = _small_network()
    network[0].weight.requires_grad_(False)
    optimizer = make_optimizer(name, network.named_parameters(), lr=0.1, weight_decay=0.1)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert id(network[0].weight) not in held
    before = network[4].bias.clone()
    _loss(network).backward()
    network[4].bias.grad = None
    optimizer.step()
    assert torch.equal(network[4].bias, before)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_a_step_without_gradients_changes_nothing(name: str) -> None:
    network = _small_network()
    before = [parameter.clone() for parameter in network.parameters()]
    make_optimizer(name, network.named_parameters(), lr=0.1, weight_decay=0.1).step()
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(old, new)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_step_returns_the_closure_s_loss(name: str) -> None:
    network = _small_network()
    optimizer = make_optimizer(name, network.named_parameters(), lr=0.1)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = _loss(network)
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == pytest.approx(_loss(_small_network()).item())


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_says_what_it_is_and_checks_its_options(name: str) -> None:
    entry, defaults = OPTIMIZERS.get(name), optimizer_options(name)
    assert entry.description
    assert optimizer_options(name, defaults) == defaults
    for key, option in entry.options.items():
        wrong = "yes" if isinstance(option.default, bool) else float("nan")
        with pytest.raises(ConfigError, match=f"{name}, {key}: the value is .*; expected"):
            optimizer_options(name, {key: wrong})


@pytest.mark.parametrize("lr", [0, -1, float("inf"), float("nan"), 1001, "fast", True])
def test_rates_out_of_range(lr: object) -> None:
    with pytest.raises(ConfigError, match=r"adam, lr: .*expected a number above 0 to 1000"):
        make_optimizer("adam", _small_network().named_parameters(), lr=lr)


def test_names_and_options_that_do_not_exist() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'adam'"):
        optimizer_options("adamm")
    with pytest.raises(UnknownNameError, match="adam has no option 'beta_3'; did you mean 'beta_"):
        optimizer_options("adam", {"beta_3": 1})
    with pytest.raises(ConfigError, match="momentum: the value is 1; expected a number from 0 and"):
        optimizer_options("sgd", {"momentum": 1})
    with pytest.raises(ConfigError, match="expected a whole number from 1 to 20"):
        optimizer_options("muon", {"newton_schulz_steps": 2.5})
    with pytest.raises(ConfigError, match="nesterov: the value is 1; expected true or false"):
        optimizer_options("sgd", {"nesterov": 1})
    with pytest.raises(ConfigError, match="no trainable parameter"):
        make_optimizer("sgd", [], lr=0.1)


def test_no_optimizer_imports_torchs_compiler() -> None:
    """It takes more than a second, before the first step of every training."""
    code = """
import sys, torch
from cnnlab.optim import OPTIMIZERS, make_optimizer
for name in OPTIMIZERS:
    named = [("w", torch.nn.Parameter(torch.ones(4, 3, 3, 3)))]
    optimizer = make_optimizer(name, named, lr=0.1)
    named[0][1].grad = torch.ones(4, 3, 3, 3)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    optimizer.load_state_dict(optimizer.state_dict())
    assert "torch._dynamo" not in sys.modules, name
"""
    subprocess.run([sys.executable, "-c", code], check=True)
