"""What this machine is, what would be chosen on it and why, and how fast it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from cnnlab.data import SOURCES
from cnnlab.device import (
    Choice,
    choose_compile,
    choose_device,
    choose_precision,
    choose_threads,
    describe_machine,
    set_up_torch,
    synchronize,
)
from cnnlab.machine import available_memory, keep_freed_memory
from cnnlab.models import load_architecture
from cnnlab.tables import ShownAsText, bytes_text, text_table
from cnnlab.training.pace import measure_pace
from cnnlab.training.room import free_disk
from cnnlab.training.trial import prepare_noise
from cnnlab.workflows.configure import configure

__all__ = ["Diagnosis", "Speed", "doctor"]

#: Side of the matrices whose product is timed, and how long at least.
_SIDE = 2048
_LEAST_SECONDS = 0.5
_COPIED_BYTES = 256 << 20

#: Where so many programs ran before the measurement, it is not this machine's alone.
_BUSY_LOAD = 0.5

#: Trained for a moment each: a small network and the report's best.
_TRAINED = ("fastnet", "model-f")


@dataclass(frozen=True)
class Speed:
    """How fast this machine is, measured just now.

    Attributes
    ----------
    products: billions of floating-point operations a second of a matrix product, by precision.
    copy_bytes: bytes that are copied within memory in a second.
    images: training images a second by model, at its own batch size and the chosen precision; not
        compiled, for that would take longer than all the rest.
    load: programs that waited for a processor or had one in the minute before, on average; None
        where the system does not tell.
    """

    products: dict[str, float]
    copy_bytes: float
    images: dict[str, float]
    load: float | None


@dataclass(frozen=True)
class Diagnosis(ShownAsText):
    """What ``cnnlab doctor`` found.

    Attributes
    ----------
    machine: processor, cores, system and versions.
    choices: what ``auto`` means here, each with its reason.
    memory_bytes: what this process can still have.
    disk_bytes: free in the folder of the runs.
    datasets: where those that are known by name lie; None where they are not here.
    speed: None where nothing was measured.
    """

    machine: dict[str, Any]
    choices: dict[str, Choice]
    memory_bytes: int
    disk_bytes: int
    datasets: dict[str, str | None]
    speed: Speed | None

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab doctor --json`` prints."""
        return asdict(self)

    def to_text(self) -> str:
        """What ``cnnlab doctor`` prints."""
        machine = self.machine
        versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
        facts = [
            ("processor", f"{machine['processor']} ({machine['vector_instructions']})"),
            ("memory", f"{bytes_text(self.memory_bytes)} can be had"),
            ("disk", f"{bytes_text(self.disk_bytes)} free for runs"),
            ("system", f"{machine['system']}, Python {machine['python']}"),
            ("versions", versions),
        ]
        if "accelerator" in machine:
            facts.insert(1, ("accelerator", machine["accelerator"]))
        chosen = [(kind, choice.name, choice.reason) for kind, choice in self.choices.items()]
        places = [(name, place or "not here") for name, place in self.datasets.items()]
        tables = [
            text_table(["this machine", ""], facts),
            text_table(["auto means", "here", "because"], chosen),
            text_table(["images", "where"], places),
        ]
        return "\n\n".join(tables if self.speed is None else [*tables, _speed_table(self.speed)])


def _speed_table(speed: Speed) -> str:
    rows = [
        (f"matrix product, {precision}", f"{value:,.0f} billion operations/s")
        for precision, value in speed.products.items()
    ]
    rows.append(("copying memory", f"{speed.copy_bytes / 1e9:.1f} GB/s"))
    rows += [
        (f"training {model}", f"{value:,.0f} images/s") for model, value in speed.images.items()
    ]
    if speed.load is not None and speed.load > _BUSY_LOAD:
        others = f"load {speed.load:.1f} before: other programs slowed what was measured"
        rows.append(("this machine is busy", others))
    return text_table(["speed", "measured now"], rows)


def doctor(*, runs: Path = Path("runs"), device: str = "auto", measure: bool = True) -> Diagnosis:
    """Ask this machine what it is and, where ``measure``, for some seconds how fast.

    Nothing is written but how much faster bf16 is here, which every training that chooses its
    precision goes by. Raises :class:`DeviceError` where ``device`` is not here.
    """
    where = choose_device(device)
    threads, threads_reason = choose_threads()
    precision = choose_precision("auto", where.name, anew=measure)
    kept = keep_freed_memory()
    choices = {
        "device": where,
        "precision": precision,
        "compile": choose_compile("auto", where.name),
        "threads": Choice(str(threads), threads_reason),
        "memory": Choice(
            "kept" if kept else "as the system does it",
            "a step asks again for what the last one freed"
            if kept
            else "only glibc can be told to keep what is freed",
        ),
    }
    return Diagnosis(
        machine=describe_machine(where.name),
        choices=choices,
        memory_bytes=available_memory(),
        disk_bytes=free_disk(runs),
        datasets={name: _place(name) for name in SOURCES},
        speed=_measure(where.name, precision.name, threads) if measure else None,
    )


def _place(name: str) -> str | None:
    found = SOURCES.get(name).find()
    return None if found is None else str(found.path)


def _measure(device: str, precision: str, threads: int) -> Speed:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    set_up_torch(threads)
    precisions = dict.fromkeys(("fp32", precision))
    images = {}
    for model in _TRAINED:
        settings = {"model": {"name": model}, "device": device, "precision": precision}
        config = configure(settings={**settings, "threads": threads})
        pace = measure_pace(prepare_noise(load_architecture(model), config), seconds=1.0)
        images[model] = config.training.batch_size / pace.step_seconds
    return Speed(
        products={name: _product_speed(name, device) / 1e9 for name in precisions},
        copy_bytes=_copy_speed(),
        images=images,
        load=load,
    )


def _product_speed(precision: str, device: str) -> float:
    """Floating-point operations a second of a product of square matrices."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a = torch.ones(_SIDE, _SIDE, dtype=dtype, device=device)
    return 2 * _SIDE**3 / _fastest(lambda: torch.mm(a, a), device)


def _copy_speed() -> float:
    source = torch.ones(_COPIED_BYTES, dtype=torch.uint8)
    target = torch.empty_like(source)
    return _COPIED_BYTES / _fastest(lambda: target.copy_(source), "cpu")


def _fastest(work: Callable[[], object], device: str) -> float:
    """Seconds that ``work`` takes at best, over half a second: other work only slows it."""
    best, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < _LEAST_SECONDS:
        start = time.perf_counter()
        work()
        synchronize(torch.device(device))
        best = min(best, time.perf_counter() - start)
    return best
