import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.device import choose_compile, choose_threads
from cnnlab.errors import ConfigError, RankError
from cnnlab.ranks import World, joined, launched, rank_errors, world

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID")


@pytest.fixture
def started(monkeypatch):
    """Say what the environment of this process is."""

    def as_rank(**values):
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    as_rank()
    return as_rank


@given(rows=st.integers(0, 300), size=st.integers(1, 40))
def test_every_row_has_one_rank_and_the_ranks_have_as_many(rows, size):
    ranks = [World(number, size) for number in range(size)]
    counts = ranks[0].counts(rows)
    assert max(counts) - min(counts) <= 1
    held = [np.arange(rows)[each.part(rows)] if counts[each.rank] else [] for each in ranks]
    assert np.concatenate(held).tolist() == list(range(rows))
    assert [len(part) for part in held] == list(counts)
    if rows:
        assert all(len(np.arange(rows)[each.part(rows)]) >= 1 for each in ranks)


def test_who_was_started_alone_is_alone(started):
    assert launched() == World() == world()
    started(WORLD_SIZE="1", RANK="0")
    assert launched() == World()
    with joined(launched()) as ranks:
        assert ranks is world()
        ranks.tell({"do": "nothing"})
        ranks.wait()
        assert ranks.slowest(1.5) == 1.5
        assert ranks.gather(torch.ones(2)).shape == (1, 2)
        assert ranks.option == ""


def test_ranks_are_what_torchrun_says(started):
    started(WORLD_SIZE="6", RANK="4", LOCAL_RANK="1", LOCAL_WORLD_SIZE="3")
    assert launched() == World(4, 6, 1, 3)
    assert launched().option == " (by torchrun, as before)"
    assert World(0, 2, 0, 2).option == " --devices 2"


@pytest.mark.parametrize(
    "said",
    [
        {"WORLD_SIZE": "2"},
        {"WORLD_SIZE": "2", "RANK": "2"},
        {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "2"},
        {"WORLD_SIZE": "5000", "RANK": "1"},
    ],
)
def test_an_environment_that_contradicts_itself_is_refused(started, said):
    started(**said)
    with pytest.raises(ConfigError, match=r"WORLD_SIZE.*expected what torchrun sets"):
        launched()


def test_cores_are_divided_among_the_ranks_of_a_machine(monkeypatch, started):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("cnnlab.device.usable_cores", lambda: (5, "5 cores to run on"))
    monkeypatch.setattr("cnnlab.device.world", lambda: World(0, 4, 0, 2))
    assert choose_threads() == (2, "5 cores to run on, divided among 2 processes")
    monkeypatch.setattr("cnnlab.device.world", lambda: World(0, 8, 0, 8))
    assert choose_threads()[0] == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert choose_threads() == (1, "OMP_NUM_THREADS says so")
    monkeypatch.setattr("cnnlab.device.world", lambda: World(0, 2, 0, 2))
    started(TORCHELASTIC_RUN_ID="none")  # torchrun has set the 1 itself
    assert choose_threads() == (2, "5 cores to run on, divided among 2 processes")
    assert choose_compile("auto", "cuda").name == "off"


def test_what_torch_says_of_lost_ranks_is_one_line_and_else_passes():
    with pytest.raises(RankError) as caught, rank_errors(what="runs/f is saved", todo="go on"):
        raise RuntimeError(
            "[../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer"
        )
    assert str(caught.value) == (
        "another process of this training has ended, or cannot be reached; runs/f is saved; go on"
    )
    with pytest.raises(RankError), rank_errors():
        raise torch.distributed.DistBackendError("x")
    with pytest.raises(RuntimeError, match="shapes"), rank_errors():
        raise RuntimeError("shapes do not match")
