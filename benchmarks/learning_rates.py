"""What ``cnnlab find-lr`` suggests beside what rates around it reach in a short training.

For each case and seed: the search, then a training at the suggestion times each factor (all rates
of an optimizer alike). Prints a JSON line a search and a training, with the validation accuracy
after the last epoch.

    python benchmarks/learning_rates.py [--cases adam,muon,adamax] [--seeds 0,1,2] [--factors 0.1,1]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from cnnlab.config import RunConfig
from cnnlab.errors import DivergedError
from cnnlab.settings import merge
from cnnlab.training.loop import train
from cnnlab.workflows.configure import configure
from cnnlab.workflows.find_lr import FoundRate, find_lr

FACTORS = "0.1,0.333,1,3,10"

_SMALL = {"name": "fastnet", "params": {"widths": [8, 32, 64], "depths": [1, 1, 1]}}
_FEW = {
    "data": {"source": "cifar10-jpeg", "train": 4000, "validation": 2000},
    "training": {
        "batch_size": 128,
        "epochs": 3,
        "augment": {"flip": "alternating", "translate": 2},
    },
}
_WHOLE = {"mode": "full", "inner_validation": 0.0, "early_stopping": None, "weights": "last"}

#: Name -> settings on the model's own.
CASES: dict[str, dict[str, Any]] = {
    "adam": {**_FEW, "model": _SMALL, "optimizer": {"name": "adam"}},
    "muon": {**_FEW, "model": _SMALL},
    "sgd": {**_FEW, "model": _SMALL, "optimizer": {"name": "sgd"}},
    "adamax": {
        "precision": "bf16",
        "model": {"name": "model-f"},
        "data": {"source": "cifar10-jpeg", "train": 1600, "validation": 1000},
        "training": {**_WHOLE, "batch_size": 16, "epochs": 6},
    },
}


def config_of(case: str, seed: int) -> RunConfig:
    """The configuration of a case, on one thread of the processor."""
    machine = {"seed": seed, "device": "cpu", "threads": 1, "precision": "fp32"}
    return configure(settings=merge(machine, CASES[case]))


def accuracy_at(found: FoundRate, factor: float) -> float | None:
    """Validation accuracy of a training at so many times the suggested rates; None: diverged."""
    rates = {key.partition(".")[2]: rate * factor for key, rate in found.settings.items()}
    config = found.config.updated(optimizer=rates)
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = train(config, Path(folder))
        except DivergedError:
            return None
        return float(run.metrics[-1]["validation_accuracy"])


def measure(case: str, seed: int, factors: list[float]) -> None:
    """Search, then train."""
    found = find_lr(config_of(case, seed))
    said = {"case": case, "seed": seed, "suggestion": found.suggestion, "others": found.others}
    print(json.dumps({**said, "problem": found.problem, "notes": found.notes}), flush=True)
    for factor in factors if found.suggestion else []:
        accuracy = accuracy_at(found, factor)
        line = {"case": case, "seed": seed, "factor": factor, "accuracy": accuracy}
        print(json.dumps(line), flush=True)


def main() -> None:
    """Measure the cases and seeds that are named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", default="adam,muon,adamax")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--factors", default=FACTORS)
    asked = parser.parse_args()
    for case in asked.cases.split(","):
        for seed in asked.seeds.split(","):
            measure(case, int(seed), [float(factor) for factor in asked.factors.split(",")])


if __name__ == "__main__":
    main()
