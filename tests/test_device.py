import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.bf16 import bf16_speed_up
from cnnlab.device import (
    Choice,
    choose_compile,
    choose_device,
    choose_precision,
    choose_threads,
    describe_machine,
    fold_seed,
    memory_errors,
    seed_everything,
)
from cnnlab.errors import DeviceError, MemoryLimitError


def test_a_device_that_is_asked_for_must_be_there():
    assert choose_device("cpu").name == "cpu"
    for name in ("gpu", "cpu:7", "auto:3", "mps:1", "cuda:x", ""):
        with pytest.raises(DeviceError, match="one of auto, cpu, cuda, mps"):
            choose_device(name)
    for name, there in (
        ("cuda", torch.cuda.is_available()),
        ("mps", torch.backends.mps.is_available()),
    ):
        if not there:
            with pytest.raises(DeviceError, match=f"torch finds no {name} device here"):
                choose_device(name)


def test_auto_takes_what_is_there_and_says_why():
    choice = choose_device("auto")
    assert choice.name in {"cpu", "cuda", "mps"}
    assert choice.reason


def test_precision_is_fp32_where_the_processor_has_no_bf16(monkeypatch):
    monkeypatch.setattr("cnnlab.device.processor_flags", lambda: {"avx2"})
    choice = choose_precision("auto", "cpu")
    assert (choice.name, choice.reason) == ("fp32", "this processor does not compute in bf16")
    assert choose_precision("bf16", "cpu").name == "bf16"
    with pytest.raises(DeviceError, match="one of auto, fp32, bf16"):
        choose_precision("fp8", "cpu")


@pytest.mark.parametrize(("gain", "chosen"), [(2.0, "bf16"), (0.1, "fp32")])
def test_precision_is_measured_where_the_processor_has_bf16(monkeypatch, tmp_path, gain, chosen):
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path))
    monkeypatch.setattr("cnnlab.device.processor_flags", lambda: {"avx512_bf16"})
    monkeypatch.setattr("cnnlab.bf16._measured", lambda: gain)
    choice = choose_precision("auto", "cpu")
    assert choice.name == chosen
    assert f"{gain:.1f} times as fast" in choice.reason


@pytest.mark.parametrize("damage", [None, "{", "[1]", '{"x": "y"}'])
def test_precision_is_measured_once_and_anew_when_asked(monkeypatch, tmp_path, damage):
    gains = iter([2.0, 0.5, 3.0])
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("cnnlab.device.processor_flags", lambda: {"avx512_bf16"})
    monkeypatch.setattr("cnnlab.bf16._measured", lambda: next(gains))
    assert [choose_precision("auto", "cpu").name for _ in range(3)] == ["bf16"] * 3
    assert choose_precision("auto", "cpu", anew=True).name == "fp32"
    assert choose_precision("auto", "cpu").name == "fp32"
    if damage is not None:
        (file,) = (tmp_path / "home").glob("*.json")
        file.write_text(damage)
        assert choose_precision("auto", "cpu").reason.startswith("3.0 times")


def test_where_nothing_can_be_kept_precision_is_measured_each_time(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    gains = iter([2.0, 0.5])
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("cnnlab.device.processor_flags", lambda: {"avx512_bf16"})
    monkeypatch.setattr("cnnlab.bf16._measured", lambda: next(gains))
    assert [choose_precision("auto", "cpu").name for _ in range(2)] == ["bf16", "fp32"]


@given(st.lists(st.integers(0, 100) | st.sampled_from(["order", "step"]), min_size=1, max_size=4))
def test_a_folded_seed_is_a_function_of_its_parts(parts):
    seed = fold_seed(*parts)
    assert seed == fold_seed(*parts)
    assert 0 <= seed < 2**63
    assert seed != fold_seed(*parts, 0)


def test_folded_seeds_do_not_collide():
    seeds = {fold_seed(seed, epoch, step) for seed in range(20) for epoch in range(20)
             for step in range(20)}  # fmt: skip
    assert len(seeds) == 8000


def test_seeding_repeats_torchs_draws():
    seed_everything(1, "step", 2)
    first = torch.rand(3)
    seed_everything(1, "step", 2)
    assert torch.equal(first, torch.rand(3))


def test_out_of_memory_is_one_line():
    def fail(error):
        with memory_errors("training"):
            raise error

    for error in (
        torch.OutOfMemoryError("x"),
        MemoryError(),
        RuntimeError("can't allocate memory"),
    ):
        with pytest.raises(MemoryLimitError, match="training: out of memory; use a smaller batch"):
            fail(error)
    with pytest.raises(RuntimeError, match="other"):
        fail(RuntimeError("other"))


@pytest.mark.parametrize(
    ("said", "count"), [("3", 3), ("2,4", 2), ("", None), ("many", None), ("0", None), ("-1", None)]
)
def test_threads_are_the_cores_unless_the_environment_says_otherwise(monkeypatch, said, count):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    monkeypatch.setattr("cnnlab.device.usable_cores", lambda: (5, "5 cores to run on"))
    expected = (5, "5 cores to run on") if count is None else (count, "OMP_NUM_THREADS says so")
    assert choose_threads() == expected
    assert choose_threads(7) == (7, "asked for")


def test_a_measurement_of_precision_leaves_the_threads_as_they_were():
    before = torch.get_num_threads()
    assert bf16_speed_up(anew=True) > 0
    assert torch.get_num_threads() == before


def test_the_machine_is_described():
    facts = describe_machine("cpu")
    assert facts["versions"]["torch"] == torch.__version__
    assert facts["cores"] >= 1
    assert facts["processor"]


@pytest.fixture
def gpu(monkeypatch):
    """Say which compute capability the GPU has, and whether Triton is there."""

    def has(capability, *, triton=True):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        found = object() if triton else None
        monkeypatch.setattr("cnnlab.device.find_spec", lambda name: found)

    return has


@pytest.mark.parametrize(
    ("capability", "triton", "name", "said"),
    [
        ((9, 0), True, "on", "compute capability 9.0"),
        ((7, 0), True, "on", "compute capability 7.0"),
        ((6, 1), True, "off", "compute capability is 6.1, Triton's 7.0"),
        ((9, 0), False, "off", "Triton, with which torch compiles for GPUs, is not installed"),
    ],
)
def test_a_gpu_that_triton_knows_is_compiled_for(gpu, capability, triton, name, said):
    gpu(capability, triton=triton)
    for device in ("cuda", "cuda:1"):
        choice = choose_compile("auto", device)
        assert choice.name == name
        assert said in choice.reason


def test_nothing_is_compiled_elsewhere_unless_asked_for(gpu):
    gpu((9, 0))
    assert choose_compile("auto", "cpu").name == "off"
    assert "on processors" in choose_compile("auto", "cpu").reason
    assert choose_compile("auto", "mps").name == "off"
    assert choose_compile("on", "cpu") == Choice("on", "asked for")
    assert choose_compile("off", "cuda") == Choice("off", "asked for")
    with pytest.raises(DeviceError, match="one of auto, on, off"):
        choose_compile("yes", "cpu")
