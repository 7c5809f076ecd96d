"""The forecast held against what torch keeps, what optimizers hold and what stands on the disk."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from cnnlab.config import OptimizerConfig
from cnnlab.data.split import Split
from cnnlab.models import MODELS, load_architecture
from cnnlab.models.architecture import Architecture
from cnnlab.optim import OPTIMIZERS, make_optimizer
from cnnlab.training.forecast import forecast, kept_values
from cnnlab.training.loop import train
from cnnlab.workflows.configure import configure


def split_of(train=600, validation=200, test=100):
    rows = np.arange(train + validation + test)
    return Split(*np.split(rows, [train, train + validation]))


def foreseen(model="model-f", split=None, *, frozen=(), **settings):
    config = configure(settings={"model": {"name": model}, "precision": "fp32", **settings})
    return forecast(load_architecture(model), config, split or split_of(), frozen=frozen)


def bytes_torch_keeps(architecture, batch):
    """Bytes of all tensors that autograd holds after a forward pass, weights not counted."""
    network = architecture.build(torch.Generator().manual_seed(0)).train()
    height, width, channels = architecture.input_shape
    images = torch.rand(batch, channels, height, width)
    images = images.to(memory_format=torch.channels_last)
    held = {}

    def hold(tensor):
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
        logits = network(images)
        loss = functional.cross_entropy(logits, torch.zeros(batch, dtype=torch.int64))
    for parameter in network.parameters():
        held.pop(parameter.untyped_storage().data_ptr(), None)
    assert loss.grad_fn is not None
    return sum(held.values())


@pytest.mark.parametrize("name", MODELS.names())
def test_the_values_kept_for_the_backward_pass_are_those_that_torch_keeps(name):
    # A block of layers is counted with all that is in it, which is a little more.
    architecture, batch = load_architecture(name), 2
    kept = 4 * batch * sum(kept_values(architecture.steps))
    assert 0.97 < kept / bytes_torch_keeps(architecture, batch) < 1.15


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "Conv2D", "filters": 8, "kernel_size": 3, "activation": "gelu"},
        {"type": "SeparableConv2D", "filters": 8, "kernel_size": 3, "padding": "same"},
        {"type": "Dropout", "rate": 0.5},
        {"type": "AveragePooling2D", "pool_size": 2},
        {"type": "MaxPooling2D"},
    ],
)
def test_single_layers_keep_what_torch_keeps(layer):
    before = {"type": "Conv2D", "filters": 8, "kernel_size": 3, "padding": "same"}
    after = {"type": "Conv2D", "filters": 8, "kernel_size": 3, "padding": "same"}
    layers = (before, layer, after, {"type": "Flatten"}, {"type": "Dense", "units": 3})
    architecture = Architecture(name="x", input_shape=(32, 32, 8), classes=3, layers=layers)
    kept = 4 * (sum(kept_values(architecture.steps)) + 32 * 32 * 8)
    assert 0.9 < kept / bytes_torch_keeps(architecture, 1) < 1.15


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_network_and_checkpoint_hold_the_optimizers_state(name):
    """Counted on a network that took a step, against the forecast's own count."""
    architecture = load_architecture("model-e")
    network = architecture.build()
    settings = configure(settings={"optimizer": {"name": name}}).optimizer
    optimizer = make_optimizer(
        name, network.named_parameters(), lr=settings.lr, **settings.options()
    )
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    state = sum(
        value.numel() for entry in optimizer.state.values() for value in entry.values()
        if isinstance(value, torch.Tensor) and value.numel() > 1
    )  # fmt: skip
    params = sum(parameter.numel() for parameter in network.parameters())
    buffers = sum(buffer.numel() for buffer in network.buffers())
    told = foreseen("model-e", optimizer={"name": name})
    assert told.network_bytes == 4 * (2 * params + buffers + state)
    assert told.checkpoint_bytes == pytest.approx(4 * (params + buffers + state), rel=0.01)


def test_an_optimizer_without_momentum_keeps_nothing():
    bare = foreseen("model-e", optimizer={"name": "sgd", "momentum": 0.0})
    moving = foreseen("model-e", optimizer={"name": "sgd"})
    params = load_architecture("model-e").summary().trainable_params
    assert moving.network_bytes - bare.network_bytes == 4 * params


@pytest.mark.parametrize("optimizer", OPTIMIZERS.names())
@pytest.mark.parametrize("ema", [None, 0.9])
def test_checkpoints_are_as_large_as_was_said(images, tiny_model, tmp_path, optimizer, ema):
    settings = {
        "data": {"source": str(images)},
        "model": {"name": str(tiny_model)},
        "training": {"epochs": 2, "batch_size": 40, "ema": ema},
        "optimizer": OptimizerConfig(name=optimizer).model_dump(),
        "threads": 1,
    }
    run = train(configure(settings=settings), tmp_path)
    told = forecast(run.architecture(), run.typed_config(), run.rows())
    files = {path.name: path.stat().st_size for path in run.path.rglob("*") if path.is_file()}
    (last,) = [size for name, size in files.items() if name.startswith("last-")]
    # Of so small a network the header, with names and settings, is a third.
    assert told.checkpoint_bytes == pytest.approx(last, rel=0.05)
    assert told.weights_bytes == pytest.approx(files["best.safetensors"], rel=0.05)
    assert sum(files.values()) < told.disk_bytes
    written = told.other_files_bytes - 1_000_000 - 700 * 2
    assert written > files["split.json"] - 1_000


def test_a_checkpoint_of_a_real_network_is_foreseen_within_a_thousandth(tmp_path):
    from cnnlab.training.checkpoint import pack_optimizer, save_tensors

    architecture = load_architecture("model-f")
    network = architecture.build()
    optimizer = make_optimizer("adamax", network.named_parameters(), lr=1e-3)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    weights = {f"model.{name}": value for name, value in network.state_dict().items()}
    packed, header = pack_optimizer(optimizer)
    config = configure(settings={"model": {"name": "model-f"}})
    content = {"optimizer": header, "config": config.to_dict()}
    save_tensors(tmp_path / "last", {**weights, **packed}, content)
    save_tensors(tmp_path / "best", weights, {"epoch": 1})
    told = forecast(architecture, config, split_of())
    for name, size in (("last", told.checkpoint_bytes), ("best", told.weights_bytes)):
        assert size == pytest.approx((tmp_path / name).stat().st_size, rel=0.001)
    assert told.disk_peak_bytes - told.disk_bytes == told.checkpoint_bytes


def test_memory_follows_what_it_depends_on():
    plain = foreseen()
    assert foreseen(training={"batch_size": 64}).step_bytes == 4 * plain.step_bytes
    ema = foreseen(training={"ema": 0.99})
    params = 4 * load_architecture("model-f").summary().total_params
    assert ema.network_bytes - plain.network_bytes == params
    assert foreseen(precision="bf16").step_bytes < plain.step_bytes
    names = [step.name for step in load_architecture("model-f").steps]
    frozen = foreseen(frozen=names[:-1])
    assert frozen.step_bytes < plain.step_bytes / 4
    assert frozen.network_bytes < plain.network_bytes
    assert frozen.weights_bytes == plain.weights_bytes
    assert frozen.saving_bytes <= plain.saving_bytes
    assert foreseen(split=split_of(train=6000)).images_bytes == 10 * plain.images_bytes


def test_a_gpu_holds_the_images_and_the_processor_reads_them_where_they_lie():
    here, there = foreseen(), foreseen(device="cuda")
    assert here.images_bytes == 480 * 40
    assert there.images_bytes - here.images_bytes == 2 * 480 * 3 * 32**2
    shifted = {"augment": {"translate": 4}}
    assert foreseen(training=shifted).preparing_bytes == here.preparing_bytes
    assert foreseen(training=shifted, device="cuda").preparing_bytes == 480 * 3 * 40**2


def test_a_stage_of_sequential_training_is_all_that_lies_on_the_device():
    whole = foreseen("model-e", split_of(train=4000))
    staged = {"mode": "sequential", "stage_size": 1000}
    assert foreseen("model-e", split_of(train=4000), training=staged).images_bytes * 4 == (
        whole.images_bytes
    )


@pytest.mark.parametrize("name", MODELS.names())
def test_the_bounds_of_memory_are_kept(name):
    """Never less than weights, gradients and state; never more than every value many times."""
    told = foreseen(name, training={"batch_size": 100})
    summary = load_architecture(name).summary()
    assert told.memory_bytes > 3 * summary.parameters_bytes + 50 * summary.activations_bytes
    assert told.memory_bytes < 12 * summary.parameters_bytes + 1000 * summary.activations_bytes
    assert told.device_bytes <= told.memory_bytes
    assert told.host_bytes < told.memory_bytes


def test_the_largest_batch_is_the_largest_that_fits():
    told = foreseen(training={"batch_size": 512})
    there = 900 << 20
    fits = told.largest_batch(there)
    assert 0 < fits < 512
    for batch, small_enough in ((fits, True), (fits + 1, False)):
        again = foreseen(training={"batch_size": batch})
        assert (again.memory_bytes <= there) is small_enough
    assert told.largest_batch(told.network_bytes) == 0
