"""Energy is read from counters that wrap around, or not at all."""

from pathlib import Path

from cnnlab.training.energy import EnergyMeter


def zone(folder: Path, name: str, microjoules: int) -> Path:
    place = folder / name
    place.mkdir(exist_ok=True)
    (place / "energy_uj").write_text(f"{microjoules}\n")
    (place / "max_energy_range_uj").write_text("1000000000\n")
    return place


def test_packages_are_added_up_and_wrapping_is_seen(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", 999_000_000)
    zone(tmp_path, "intel-rapl:1", 5)
    zone(tmp_path, "intel-rapl:0:0", 0)  # a part of the first package: counted there
    meter = EnergyMeter(tmp_path)
    assert meter.joules() == 0
    zone(tmp_path, "intel-rapl:0", 3_000_000)
    zone(tmp_path, "intel-rapl:1", 2_000_005)
    zone(tmp_path, "intel-rapl:0:0", 9_000_000)
    assert meter.joules() == 4 + 2
    assert meter.joules() == 6


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert EnergyMeter(tmp_path / "none").joules() is None
    (zone(tmp_path, "intel-rapl:0", 0) / "energy_uj").unlink()
    assert EnergyMeter(tmp_path).joules() is None


def test_a_counter_that_goes_away_keeps_what_it_told(tmp_path: Path) -> None:
    place = zone(tmp_path, "intel-rapl:0", 0)
    meter = EnergyMeter(tmp_path)
    zone(tmp_path, "intel-rapl:0", 2_000_000)
    assert meter.joules() == 2
    (place / "energy_uj").write_text("nonsense")
    assert meter.joules() == 2
