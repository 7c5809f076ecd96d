"""How much energy the processor has taken, where the machine tells it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["EnergyMeter"]

#: Where Linux shows the processors' own counters (RAPL), which some systems let root alone read.
_FOLDER = Path("/sys/class/powercap")


class EnergyMeter:
    """Adds up the energy of all processor packages since it was made.

    The counters, in microjoules, begin again at zero after ``max_energy_range_uj``: at full load
    minutes later, so they are to be asked more often than that.
    """

    def __init__(self, folder: Path = _FOLDER) -> None:
        zones = [zone for zone in folder.glob("*-rapl:*") if zone.name.count(":") == 1]
        readings = {zone: _number(zone / "energy_uj") for zone in sorted(zones)}
        self._last = {zone: value for zone, value in readings.items() if value is not None}
        self._microjoules = 0

    def joules(self) -> float | None:
        """So far; None where no counter can be read."""
        for zone, before in self._last.items():
            now = _number(zone / "energy_uj")
            if now is None:
                continue
            wrapped = now < before
            whole = (_number(zone / "max_energy_range_uj") or 0) if wrapped else 0
            self._microjoules += max(0, now - before + whole)
            self._last[zone] = now
        return self._microjoules / 1e6 if self._last else None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
