import pytest
import torch
from safetensors import safe_open

from cnnlab.errors import RunError
from cnnlab.optim import OPTIMIZERS, make_optimizer
from cnnlab.runs import Run
from cnnlab.training.checkpoint import (
    last_checkpoints,
    latest_checkpoint,
    left_overs,
    pack_optimizer,
    save_last,
    save_tensors,
    unpack_optimizer,
)

TENSORS = {"model.a": torch.arange(6.0).reshape(2, 3), "model.n": torch.tensor(3)}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    return Run(tmp_path)


def test_a_checkpoint_comes_back_and_the_two_newest_are_kept(run):
    assert latest_checkpoint(run) is None
    for step in (1, 2, 3):
        save_last(run, step, TENSORS, {"step": step})
    tensors, header, damaged = latest_checkpoint(run)
    assert header["step"] == 3
    assert damaged == []
    assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())
    assert sorted(path.name for path in run.checkpoints.iterdir()) == [
        "last-000000002.safetensors",
        "last-000000003.safetensors",
    ]


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_case_15_a_damaged_checkpoint_is_named_and_the_one_before_it_used(run, keep):
    save_last(run, 1, TENSORS, {"step": 1})
    save_last(run, 2, TENSORS, {"step": 2})
    path = run.checkpoints / "last-000000002.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    _, header, damaged = latest_checkpoint(run)
    assert header["step"] == 1
    assert damaged == [path.name]


def test_a_damaged_checkpoint_does_not_push_a_good_one_out(run):
    for step in (1, 4):
        save_last(run, step, TENSORS, {"step": step})
    (run.checkpoints / "last-000000004.safetensors").write_bytes(b"")
    assert latest_checkpoint(run)[1]["step"] == 1
    save_last(run, 3, TENSORS, {"step": 3})  # before the damaged one: that is where it went on
    save_last(run, 5, TENSORS, {"step": 5})  # and after it
    assert [path.stem for path in last_checkpoints(run)] == ["last-000000005", "last-000000003"]
    assert [path.name for path in left_overs(run)] == ["damaged-000000004.safetensors"]


def test_where_all_are_damaged_all_stay_where_they_are(run):
    save_last(run, 1, TENSORS, {})
    path = run.checkpoints / "last-000000001.safetensors"
    path.write_bytes(b"")
    with pytest.raises(RunError, match="every checkpoint is damaged"):
        latest_checkpoint(run)
    assert list(run.checkpoints.iterdir()) == [path]


def test_a_flipped_bit_in_a_tensor_is_seen(run):
    save_last(run, 1, TENSORS, {})
    path = run.checkpoints / "last-000000001.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"every checkpoint is damaged \(last-000000001"):
        latest_checkpoint(run)


def test_a_checkpoint_is_plain_safetensors_with_json(run):
    save_tensors(run.path / "a.safetensors", TENSORS, {"epoch": 1})
    with safe_open(run.path / "a.safetensors", framework="pt") as stream:
        assert set(stream.keys()) == set(TENSORS)
        assert '"epoch": 1' in stream.metadata()["cnnlab"]


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_goes_on_exactly_from_its_packed_state(name):
    def fresh():
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.Flatten())
        return network, make_optimizer(name, list(network.named_parameters()), lr=0.01)

    def step(network, optimizer, number):
        inputs = torch.randn(3, 2, 5, 5, generator=torch.Generator().manual_seed(number))
        optimizer.zero_grad()
        network(inputs).square().mean().backward()
        optimizer.step()

    network, optimizer = fresh()
    for number in range(3):
        step(network, optimizer, number)
    tensors, header = pack_optimizer(optimizer)
    tensors = {key: value.clone() for key, value in tensors.items()}
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    step(network, optimizer, 3)

    again, resumed = fresh()
    again.load_state_dict(weights)
    unpack_optimizer(resumed, tensors, header)
    step(again, resumed, 3)
    for key, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
