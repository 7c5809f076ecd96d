"""How much room this machine has for a training, and whether a forecast fits into it."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from cnnlab.config import RunConfig
from cnnlab.data.split import Split
from cnnlab.errors import MemoryLimitError, StorageError
from cnnlab.machine import available_memory
from cnnlab.models import Architecture
from cnnlab.tables import bytes_text
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.forecast import Forecast, forecast
from cnnlab.training.transplant import frozen_layers

__all__ = ["Room", "check_room", "foresee", "free_disk", "look_around"]

#: A forecast of memory is off by a quarter at most: it is refused only where even less of it
#: does not fit, and doubted from the share of the room on at which it may not.
_SURELY, _DOUBTFUL = 1 / 1.25, 0.9


@dataclass(frozen=True)
class Room:
    """What there is, in bytes.

    Attributes
    ----------
    disk_bytes: free where the run will stand.
    memory_bytes: what this process can still have without swapping, its own limits counted.
    swap_bytes: what could be swapped out beyond that.
    program_bytes: what this process has already.
    device_bytes: free memory of the device, None where that is the processor.
    """

    disk_bytes: int
    memory_bytes: int
    swap_bytes: int
    program_bytes: int
    device_bytes: int | None = None


def look_around(folder: Path, device: str) -> Room:
    """Measure the room for a run in ``folder`` that trains on ``device``."""
    on_device = None
    if device.startswith("cuda"):
        on_device = int(torch.cuda.mem_get_info(torch.device(device))[0])
    memory = available_memory()
    machine_is_the_limit = memory >= psutil.virtual_memory().available
    return Room(
        disk_bytes=free_disk(folder),
        memory_bytes=memory,
        swap_bytes=psutil.swap_memory().free if machine_is_the_limit else 0,
        program_bytes=psutil.Process().memory_info().rss,
        device_bytes=on_device,
    )


def foresee(
    architecture: Architecture,
    config: RunConfig,
    split: Split,
    folder: Path,
    watch: Watcher,
    *,
    present_bytes: int = 0,
) -> dict[str, Any]:
    """Say what a training will take, and refuse what cannot fit; see :func:`check_room`.

    Returns forecast and room as plain values, for ``forecast.json``.
    """
    frozen = frozen_layers(architecture, config.init.freeze) if config.init else ()
    expected = forecast(architecture, config, split, frozen=frozen)
    room = look_around(folder, config.device)
    for line in check_room(expected, room, folder, present_bytes=present_bytes):
        watch(Notice(line))
    return _as_record(expected, room)


def free_disk(folder: Path) -> int:
    """Bytes that may be written into a folder, which need not exist yet."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def check_room(
    expected: Forecast, room: Room, folder: Path, *, present_bytes: int = 0
) -> list[str]:
    """Say what the training will take, and what to do where that may be too much.

    ``present_bytes`` of the run are written already. Raises :class:`StorageError` where the disk
    cannot hold it and :class:`MemoryLimitError` where memory cannot: the codes of a training that
    would meet the same limit after an hour, and like there nothing is wrong with what was asked.
    """
    to_write = expected.disk_peak_bytes - present_bytes
    if to_write > room.disk_bytes:
        raise StorageError(
            f"the training writes up to {bytes_text(to_write)}, but "
            f"{bytes_text(room.disk_bytes)} are free",
            where=folder,
            todo="free some space, or choose a folder on another disk with --runs",
        )
    if room.device_bytes is None:
        needed = [("memory", expected.memory_bytes, room.memory_bytes, room.swap_bytes)]
    else:
        needed = [
            ("memory of the GPU", expected.device_bytes, room.device_bytes, 0),
            ("memory", expected.host_bytes, room.memory_bytes, room.swap_bytes),
        ]
    said = [_in_one_line(expected, room)]
    for what, wanted, there, swap in needed:
        todo = _advice(expected, there)
        line = f"training takes about {bytes_text(wanted)} of {what}"
        if wanted * _SURELY > there + swap:
            found = f"{bytes_text(there)} can be had"
            raise MemoryLimitError(f"{line}, but {found}", where="forecast", todo=todo)
        if wanted > there * _DOUBTFUL:
            said.append(f"warning: {line}, and {bytes_text(there)} can be had; {todo}")
    return said


def _in_one_line(expected: Forecast, room: Room) -> str:
    here = expected.memory_bytes if room.device_bytes is None else expected.host_bytes
    parts = [
        f"up to {bytes_text(expected.disk_peak_bytes)} on disk "
        f"({bytes_text(room.disk_bytes)} free)",
        f"about {bytes_text(room.program_bytes + here)} of memory "
        f"({bytes_text(room.program_bytes + room.memory_bytes)} can be had)",
    ]
    if room.device_bytes is not None:
        parts.append(
            f"about {bytes_text(expected.device_bytes)} on the GPU "
            f"({bytes_text(room.device_bytes)} free)"
        )
    return "forecast: " + ", ".join(parts)


def _advice(expected: Forecast, memory_bytes: int) -> str:
    """A batch size that fits, or that none does."""
    fits = expected.largest_batch(int(memory_bytes * _DOUBTFUL))
    if 0 < fits < expected.batch_size:
        power = 1 << (fits.bit_length() - 1)
        return f"--batch-size {power} should fit"
    return "use a smaller network, or a machine with more memory"


def _as_record(forecast: Forecast, room: Room) -> dict[str, Any]:
    return {
        "disk_bytes": forecast.disk_bytes,
        "disk_peak_bytes": forecast.disk_peak_bytes,
        "memory_bytes": room.program_bytes + forecast.memory_bytes,
        "parts": asdict(forecast),
        "room": asdict(room),
    }
