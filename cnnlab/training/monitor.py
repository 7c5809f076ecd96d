"""What the machine does while it trains (processor, memory, heat, energy), and how far it is."""

from __future__ import annotations

import threading
import time
from typing import Any

import psutil

from cnnlab.errors import CnnlabError
from cnnlab.runs import Run
from cnnlab.training.energy import EnergyMeter
from cnnlab.training.state import Position

__all__ = ["ResourceMonitor"]


def _temperature_celsius() -> float | None:
    """The hottest sensor of the processor, where the machine tells one."""
    read = getattr(psutil, "sensors_temperatures", None)
    sensors = read() if read is not None else {}
    names = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz")
    readings = [entry.current for name in names for entry in sensors.get(name, [])]
    return max(readings) if readings else None


class ResourceMonitor:
    """While it is entered, writes a line to ``resources.jsonl`` every few seconds.

    ``cpu_percent`` is of the whole machine (100 = every core busy), ``memory_bytes`` this
    process's resident memory, ``energy_joules`` what the processors have taken while it was
    watched, others' work on them too; None where the machine does not tell. ``seconds`` and
    ``energy_joules`` go on from the last line where a run is resumed.
    ``stage``, ``epoch`` and ``step`` are the next step to take: who follows a long epoch from
    another process learns it nowhere else.
    """

    def __init__(self, run: Run, position: Position, *, every_seconds: float = 2.0) -> None:
        self._run, self._position, self._every = run, position, every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="resources", daemon=True)

    def __enter__(self) -> ResourceMonitor:
        past = self._run.resources
        self._offset = past[-1]["seconds"] if past else 0.0
        self._joules = (past[-1].get("energy_joules") or 0.0) if past else 0.0
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process, start, meter = psutil.Process(), time.monotonic(), EnergyMeter()
        psutil.cpu_percent()
        while not self._stop.wait(self._every):
            self._append(
                {
                    "seconds": round(self._offset + time.monotonic() - start, 1),
                    "cpu_percent": psutil.cpu_percent(),
                    "memory_bytes": process.memory_info().rss,
                    "temperature_celsius": _temperature_celsius(),
                    "energy_joules": self._energy(meter.joules()),
                    "stage": self._position.stage,
                    "epoch": self._position.epoch,
                    "step": self._position.step,
                }
            )

    def _energy(self, joules: float | None) -> float | None:
        return None if joules is None else round(self._joules + joules, 1)

    def _append(self, record: dict[str, Any]) -> None:
        try:
            self._run.append("resources.jsonl", record)
        except CnnlabError:  # a full disk is training's to report, not a gauge's
            self._stop.set()
