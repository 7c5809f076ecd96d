"""A network that is trained as torch compiles it: the same weights, under the same names."""

import shutil

import pytest
import torch
from stopping import content, kill_at

from cnnlab.errors import CompileError, Interrupted
from cnnlab.inference import load_network, read_tensors
from cnnlab.models import load_architecture
from cnnlab.runs import open_run
from cnnlab.training.compiling import CompiledNetwork
from cnnlab.training.loop import resume
from cnnlab.workflows.run_card import card_of

pytestmark = pytest.mark.long

LAYERS = """
layers:
  - {type: Conv2D, filters: 8, kernel_size: 3, strides: 2, use_bias: false}
  - {type: BatchNormalization}
  - {type: Activation, activation: relu}
  - {type: GlobalAveragePooling2D}
  - {type: Dense, units: classes}
"""


MAXIMUM = LAYERS.replace("relu", "gelu").replace("GlobalAverage", "GlobalMax")


@pytest.fixture
def model(tmp_path):
    """A network without dropout, whose draws a compiler makes in an order of its own."""
    path = tmp_path / "plain.yaml"
    path.write_text(LAYERS, encoding="utf-8")
    return {"name": str(path)}


@pytest.fixture
def kernels(monkeypatch, tmp_path):
    """A folder of its own for what torch compiles, in this process alone."""
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "kernels"))
    torch._dynamo.reset()
    with config.patch(compile_threads=1):
        yield tmp_path / "kernels"
    torch._dynamo.reset()


@pytest.fixture
def traced(monkeypatch):
    """Let torch trace what it is to compile and then compute as always; gives what it traced."""
    graphs, compile_with = [], torch.compile

    def backend(graph, _examples):
        graphs.append(graph)
        return graph.forward

    def traces(network, **how):
        assert how.pop("options") == {"deterministic": True}
        return compile_with(network, backend=backend, **how)

    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", traces)
    yield graphs
    torch._dynamo.reset()


def tensors_of(run):
    tensors, _ = read_tensors(max(run.checkpoints.glob("last-*.safetensors")))
    return tensors


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
def test_compiled_kernels_give_the_weights_that_torchs_own_give(fit, model, kernels):
    from torch._inductor import config

    settings = {"model": model, "optimizer": {"name": "sgd", "lr": 0.05}, "precision": "fp32"}
    plain = fit(compile="off", **settings)
    with config.patch({"cpp.cxx": (shutil.which("g++") or "clang++",)}):
        compiled = fit(compile="on", **settings)
    expected, found = tensors_of(plain), tensors_of(compiled)
    assert list(found) == list(expected)
    started = load_network(fit(training={"epochs": 1, "batch_size": 80}, **settings)).state_dict()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-4)
    kernel = expected["model.conv2d.weight"] - started["conv2d.weight"]
    assert kernel.abs().max() > 1e-2  # it learnt: two trainings that stand still are alike, too
    assert list(kernels.rglob("*.so"))
    assert compiled.environment["choices"]["compile"] == {"name": "on", "reason": "asked for"}


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
def test_a_global_maximum_has_a_gradient_in_bf16(kernels, tmp_path):
    """Compiled, amax's would be 0/0: the kernels compute what it compares in another precision."""
    from torch._inductor import config

    path = tmp_path / "maximum.yaml"
    path.write_text(MAXIMUM, encoding="utf-8")
    architecture = load_architecture(path, input_shape=(8, 8, 3), classes=4)
    torch.manual_seed(0)
    images = torch.randn(64, 3, 8, 8).to(memory_format=torch.channels_last)
    network = architecture.build().train()
    compiled = CompiledNetwork(network)
    found = []
    for compute in (network, compiled):
        network.zero_grad()
        with (
            config.patch({"cpp.cxx": (shutil.which("g++") or "clang++",)}),
            torch.autocast("cpu", torch.bfloat16),
        ):
            compute(images).float().pow(2).sum().backward()
        found.append([parameter.grad for parameter in network.parameters()])
    for eager, other in zip(*found, strict=True):
        assert eager.norm() > 0.1
        assert (other - eager).norm() < 0.1 * eager.norm()


def test_a_graph_is_made_for_each_shape_of_a_batch_and_none_to_evaluate(fit, traced):
    settings = {
        "training": {"batch_size": 32, "ema": 0.9},
        "precision": "fp32",
    }  # of 80 images: 32, 32, 16
    run = fit(compile="on", **settings)
    assert len(traced) == 2
    assert len(run.metrics) == 3
    assert sum("conv2d" in str(node.target) for node in traced[0].graph.nodes) >= 1
    # Another network of the same architecture finds them.
    again = fit(compile="on", **settings)
    assert len(traced) == 2
    assert content(again) == content(run)
    assert "fp32, compiled, 1 thread" in card_of(run).to_text()
    plain = fit(compile="off", **settings)
    assert tensors_of(plain).keys() == tensors_of(run).keys()
    assert plain.best_weights.read_bytes() == run.best_weights.read_bytes()


def test_a_stopped_training_goes_on_compiled(fit, traced):
    whole = fit(compile="on")
    with pytest.raises(Interrupted):
        fit(kill_at(3), name="cut", compile="on")
    cut = open_run(whole.path.parent / "cut")
    torch._dynamo.reset()
    resume(cut)
    assert len(traced) == 2
    assert content(cut) == content(whole)


def test_what_cannot_be_compiled_is_one_line_that_says_what_to_do(fit, kernels, tmp_path):
    from torch._inductor import config

    missing = config.patch({"cpp.cxx": ("no-such-compiler",)})
    with missing, pytest.raises(CompileError, match="no-such-compiler") as caught:
        fit(compile="on", name="failed")
    line = str(caught.value)
    assert line.startswith("compile: torch could not compile the network: ")
    assert line.endswith("; train again with --set compile=off")
    assert "\n" not in line
    assert caught.value.exit_code == 3
    run = open_run(tmp_path / "runs" / "failed")
    assert (run.status, run.result["stopped_because"]) == ("failed", line)


def test_running_out_of_memory_is_not_blamed_on_the_compiler(fit, monkeypatch):
    from cnnlab.errors import MemoryLimitError

    def fail(*arguments, **options):
        raise torch.OutOfMemoryError("x")

    monkeypatch.setattr(torch, "compile", fail)
    with pytest.raises(MemoryLimitError, match="use a smaller batch"):
        fit(compile="on")
