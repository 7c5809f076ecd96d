"""How much there is, under every kind of limit; and what is said and refused."""

import dataclasses

import psutil
import pytest

from cnnlab.errors import ArchitectureError, MemoryLimitError, StorageError
from cnnlab.training import room as room_module
from cnnlab.training.events import Notice
from cnnlab.training.forecast import Forecast
from cnnlab.training.loop import resume, train
from cnnlab.training.room import Room, check_room, free_disk, look_around
from cnnlab.workflows.configure import configure

GIB = 1 << 30

#: Of a batch of 1000: 6 GiB of activations, 1 GiB of network, 3 GiB on disk.
EXPECTED = Forecast(
    checkpoint_bytes=GIB,
    weights_bytes=GIB // 2,
    other_files_bytes=GIB // 2,
    images_bytes=GIB // 2,
    network_bytes=GIB // 2,
    preparing_bytes=0,
    image_step_bytes=6 * GIB // 1000,
    batch_size=1000,
    update_bytes=0,
    evaluation_bytes=GIB,
    saving_bytes=2 * GIB,
)
ROOM = Room(disk_bytes=100 * GIB, memory_bytes=20 * GIB, swap_bytes=0, program_bytes=GIB)


def room(**changed):
    return dataclasses.replace(ROOM, **changed)


def test_the_forecast_is_one_line(tmp_path):
    (line,) = check_room(EXPECTED, ROOM, tmp_path)
    assert line == (
        "forecast: up to 4 GiB on disk (100 GiB free), about 8 GiB of memory (21 GiB can be had)"
    )


def test_a_disk_that_is_too_small_is_refused_and_what_is_written_already_counts(tmp_path):
    with pytest.raises(StorageError, match=r"writes up to 4 GiB, but 3\.5 GiB are free") as caught:
        check_room(EXPECTED, room(disk_bytes=int(3.5 * GIB)), tmp_path)
    assert caught.value.exit_code == 3
    assert "--runs" in str(caught.value)
    check_room(EXPECTED, room(disk_bytes=int(3.5 * GIB)), tmp_path, present_bytes=GIB)


def test_memory_that_plainly_does_not_suffice_is_refused_with_what_does(tmp_path):
    with pytest.raises(MemoryLimitError) as caught:
        check_room(EXPECTED, room(memory_bytes=5 * GIB), tmp_path)
    assert str(caught.value) == (
        "forecast: training takes about 7 GiB of memory, but 5 GiB can be had; "
        "--batch-size 512 should fit"
    )
    assert caught.value.exit_code == 3
    smaller = dataclasses.replace(EXPECTED, batch_size=512)
    assert len(check_room(smaller, room(memory_bytes=5 * GIB), tmp_path)) == 1


def test_memory_that_may_not_suffice_is_a_warning(tmp_path):
    for memory in (6 * GIB, int(7.5 * GIB)):
        _, warning = check_room(EXPECTED, room(memory_bytes=memory), tmp_path)
        assert warning.startswith("warning: training takes about 7 GiB of memory, and ")
        assert "--batch-size 512 should fit" in warning
    assert len(check_room(EXPECTED, room(memory_bytes=8 * GIB), tmp_path)) == 1


def test_what_can_be_swapped_out_is_not_refused(tmp_path):
    swapping = room(memory_bytes=4 * GIB, swap_bytes=4 * GIB)
    assert len(check_room(EXPECTED, swapping, tmp_path)) == 2


def test_where_no_batch_fits_none_is_advised(tmp_path):
    with pytest.raises(MemoryLimitError, match="use a smaller network, or a machine with more"):
        check_room(EXPECTED, room(memory_bytes=2 * GIB), tmp_path)


def test_a_gpu_has_its_own_memory(tmp_path):
    (line,) = check_room(EXPECTED, room(device_bytes=10 * GIB, memory_bytes=6 * GIB), tmp_path)
    assert "about 7 GiB on the GPU (10 GiB free)" in line
    with pytest.raises(MemoryLimitError, match="7 GiB of memory of the GPU, but 2 GiB"):
        check_room(EXPECTED, room(device_bytes=2 * GIB), tmp_path)
    with pytest.raises(MemoryLimitError, match=r"2\.5 GiB of memory, but 1 GiB can be had"):
        check_room(EXPECTED, room(device_bytes=10 * GIB, memory_bytes=GIB), tmp_path)


def test_swap_does_not_help_where_a_limit_is_below_the_machines_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "swap_memory", lambda: type("S", (), {"free": GIB})())
    assert look_around(tmp_path, "cpu").swap_bytes in (0, GIB)
    monkeypatch.setattr(room_module, "available_memory", lambda: 1000)
    there = look_around(tmp_path, "cpu")
    assert (there.memory_bytes, there.swap_bytes, there.device_bytes) == (1000, 0, None)
    assert there.program_bytes > 10 << 20


def test_the_disk_is_that_of_a_folder_that_is_not_there_yet(tmp_path):
    free = psutil.disk_usage(str(tmp_path)).free
    assert free_disk(tmp_path / "a" / "b") == pytest.approx(free, rel=0.05)


@pytest.fixture
def fit(images, tiny_model, tmp_path):
    """Train on the small folder; keyword arguments are settings."""

    def run(watch=lambda event: None, **settings):
        config = configure(
            settings={
                "name": "r",
                "data": {"source": str(images)},
                "model": {"name": str(tiny_model)},
                "training": {"epochs": 1, "batch_size": 16},
                "threads": 1,
                **settings,
            }
        )
        return train(config, tmp_path / "runs", watch)

    return run


@pytest.mark.parametrize("short", [{"disk_bytes": 1000}, {"memory_bytes": 1000}])
def test_nothing_is_written_or_built_where_it_cannot_fit(fit, tmp_path, monkeypatch, short):
    monkeypatch.setattr(room_module, "look_around", lambda folder, device: room(**short))
    monkeypatch.setattr("cnnlab.training.loop.Fitter", None)
    with pytest.raises((StorageError, MemoryLimitError)):
        fit()
    assert not (tmp_path / "runs").exists()


def test_a_training_says_and_records_its_forecast(fit):
    said = []
    run = fit(lambda event: said.append(event))
    lines = [event.text for event in said if isinstance(event, Notice)]
    assert len([line for line in lines if line.startswith("forecast: up to ")]) == 1
    told = run.forecast
    assert told["memory_bytes"] > told["room"]["program_bytes"] > 0
    assert told["disk_peak_bytes"] > told["disk_bytes"] > told["parts"]["checkpoint_bytes"]


def test_a_resumed_training_needs_only_what_is_missing(fit, monkeypatch):
    run = fit()
    (run.path / "result.json").unlink()
    told = run.forecast
    present = sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file())
    missing = told["disk_peak_bytes"] - present
    monkeypatch.setattr(
        room_module, "look_around", lambda folder, device: room(disk_bytes=missing - 1)
    )
    with pytest.raises(StorageError, match="free some space"):
        resume(run)
    monkeypatch.setattr(room_module, "look_around", lambda folder, device: room(disk_bytes=missing))
    assert resume(run).status == "finished"


def test_a_network_beyond_all_bounds_is_one_line_before_anything_is_allocated(fit, tmp_path):
    for number, layers in enumerate(
        (
            "{type: Flatten}, {type: Dense, units: 1000000000}, {type: Dense, units: classes}",
            "{type: Flatten}, {type: Dense, units: 1000000}, {type: Dense, units: 1000000}, "
            "{type: Dense, units: classes}",
        )
    ):
        model = tmp_path / f"huge-{number}.yaml"
        model.write_text(f"layers: [{layers}]")
        with pytest.raises(ArchitectureError) as caught:
            fit(model={"name": str(model)})
        assert caught.value.exit_code == 2
    assert not (tmp_path / "runs").exists()


def test_a_network_that_only_a_larger_machine_can_train_is_refused_before_it_is_built(
    fit, tmp_path, monkeypatch
):
    """500 million parameters: allowed, 9 GiB with Adam's state, of which 4 are there."""
    model = tmp_path / "large.yaml"
    model.write_text(
        "layers: [{type: Flatten}, {type: Dense, units: 500000}, {type: Dense, units: 1000}, "
        "{type: Dense, units: classes}]"
    )
    there = room(memory_bytes=4 * GIB, disk_bytes=100 * GIB)
    monkeypatch.setattr(room_module, "look_around", lambda folder, device: there)
    monkeypatch.setattr("cnnlab.training.loop.Fitter", None)
    with pytest.raises(MemoryLimitError, match="use a smaller network"):
        fit(model={"name": str(model)}, optimizer={"name": "adam"})
    assert not (tmp_path / "runs").exists()
