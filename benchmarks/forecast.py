"""The forecasts of disk, memory and time beside what real trainings take.

Each training is a process of its own, whose largest resident memory the system tells; what it
wrote is counted. Prints a line a training: forecast, measured, and the one over the other.

    python benchmarks/forecast.py [CASE ...]

With ``--runs`` nothing is trained: of every finished run in these folders, the time that its first
steps foretold stands beside the time that came, by when both files were written.

    python benchmarks/forecast.py --runs FOLDER ...
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

SHAPES = ["--data", "shapes", "--set", "data.size=3000", "--epochs", "1", "--precision", "fp32"]

#: Two networks of weights and hardly any activations.
DENSE = """
layers:
  - {type: Flatten}
  - {type: Dense, units: 6000, activation: relu}
  - {type: Dense, units: 4000, activation: relu}
  - {type: Dense, units: classes}
"""
KERNELS = """
layers:
  - {type: MaxPooling2D, pool_size: 8}
  - {type: Conv2D, filters: 1024, kernel_size: 3, padding: same, activation: relu}
  - {type: Conv2D, filters: 2048, kernel_size: 3, padding: same, activation: relu}
  - {type: GlobalAveragePooling2D}
  - {type: Dense, units: classes}
"""

#: Name -> model, batch size, training images, further options.
CASES: dict[str, tuple[str, int, int, list[str]]] = {
    "model-d": ("model-d", 16, 640, ["--set", "training.stage_size=320"]),
    "model-f": ("model-f", 32, 640, []),
    "model-f-large": ("model-f", 512, 1280, []),
    "fastnet": ("fastnet", 500, 1024, []),
    "resnet18": ("resnet18", 128, 256, ["--set", "training.ema=0.9"]),
    "dense": (DENSE, 32, 128, ["--optimizer", "adam"]),
    "kernels": (KERNELS, 32, 64, ["--optimizer", "adam"]),
}

#: Runs a command and prints the largest resident memory of it in bytes.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
if done.returncode:
    sys.exit(done.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def measure(case: str, folder: Path) -> str:
    """Train one case and set what was foreseen beside what came."""
    model, batch, images, options = CASES[case]
    if "layers:" in model:
        path = folder / "model.yaml"
        path.write_text(model, encoding="utf-8")
        model = str(path)
    command = [sys.executable, "-m", "cnnlab", "train", "--model", model, *SHAPES, *options]
    command += ["--batch-size", str(batch), "--set", f"data.train={images}"]
    command += ["--runs", str(folder), "--name", "run"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"{case}: {done.stderr.strip().splitlines()[-1]}"
    told = json.loads((folder / "run" / "forecast.json").read_text(encoding="utf-8"))
    memory = int(done.stdout)
    last = max(path.stat().st_size for path in folder.glob("run/checkpoints/last-*"))
    parts = told["parts"]
    return (
        f"{case}, batch {batch}: memory {told['memory_bytes'] / 1e6:.0f} MB foreseen, "
        f"{memory / 1e6:.0f} MB measured, {told['memory_bytes'] / memory:.2f}; "
        f"checkpoint {parts['checkpoint_bytes']:,} B foreseen, {last:,} B written, "
        f"{parts['checkpoint_bytes'] / last:.4f}"
    )


def foretold(run: Path) -> tuple[float, float] | None:
    """Seconds that were foretold and that came; None for a run that did not end or was too short.

    Early stopping ends a training sooner than the forecast, which speaks of all epochs.
    """
    said, ended = run / "forecast.json", run / "result.json"
    if not ended.exists():
        return None
    time = json.loads(said.read_text(encoding="utf-8")).get("time")
    if time is None or json.loads(ended.read_text(encoding="utf-8"))["status"] != "finished":
        return None
    return time["seconds_left"], ended.stat().st_mtime - said.stat().st_mtime


def compare_times(folders: Sequence[Path]) -> None:
    """Print a line a run, then the median and the range of the ratios."""
    ratios = []
    for folder in folders:
        for file in sorted(folder.rglob("forecast.json")):
            times = foretold(file.parent)
            if times is not None:
                ratios.append(times[0] / times[1])
                print(
                    f"{file.parent.name}: {times[0]:.1f} s foretold, {times[1]:.1f} s came, "
                    f"{ratios[-1]:.2f}"
                )
    if ratios:
        print(
            f"{len(ratios)} runs: median {statistics.median(ratios):.2f}, "
            f"{min(ratios):.2f} to {max(ratios):.2f}"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the cases that are named, or all; or look at runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--runs", nargs="+", type=Path, metavar="FOLDER", help="finished runs")
    asked = parser.parse_args(arguments)
    if asked.runs:
        compare_times(asked.runs)
        return
    for case in asked.cases or CASES:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(case, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
