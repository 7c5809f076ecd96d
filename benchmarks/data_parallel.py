"""Do two processes with a core each train as one with two cores does, and how fast?

Model F without dropout on the same rows in fp32, one process and two in turn; the sizes do not
divide, so that the last batch is uneven::

    python benchmarks/data_parallel.py --into docs/results/scale.md

It wants a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from command import measurement_options, run_command
from page_sections import markdown_table, put_section
from records import Record
from workers import start

from cnnlab.device import describe_machine
from cnnlab.ranks import RENDEZVOUS

__all__ = ["main", "section"]

#: Losses must agree so far.
TOLERANCE = 1e-5
#: Adamax moves every weight by the whole rate in its first steps, however small its gradient, and
#: so makes of rounding what a step is: one process with other threads parts from itself as far.
_RATES = {"sgd": 0.01, "adamax": 1e-3}


def _settings(asked: argparse.Namespace, threads: int) -> dict[str, Any]:
    return {
        "data": {"source": asked.data, "train": asked.train, "validation": 500},
        "model": {"name": "model-f", "without": ["SpatialDropout2D", "Dropout"]},
        "training": {
            "epochs": 1,
            "batch_size": asked.batch_size,
            "inner_validation": 0,
            "early_stopping": None,
        },
        "optimizer": {"name": asked.optimizer, "lr": _RATES[asked.optimizer]},
        "device": "cpu",
        "precision": "fp32",
        "threads": threads,
    }


def _train(asked: argparse.Namespace, folder: Path, processes: int) -> Record:
    """Train once in so many processes, which share the threads; return what rank 0 says."""
    threads = asked.threads // processes
    job = {"settings": _settings(asked, threads), "runs": str(folder / "runs")}
    folder.mkdir(parents=True)
    works = []
    for rank in range(processes):
        ranks = {
            "RANK": rank,
            "WORLD_SIZE": processes,
            RENDEZVOUS: folder,
            "GLOO_SOCKET_IFNAME": "lo",
        }
        environment = {"OMP_NUM_THREADS": str(threads), **{k: str(v) for k, v in ranks.items()}}
        script = "data_parallel_worker.py"
        works.append(start(script, job, folder, f"rank-{rank}", environment=environment))
    first, *_ = [work.result() for work in works]
    return first


def measure(asked: argparse.Namespace) -> Sequence[Mapping[int, Record]]:
    """All rounds: by the number of processes what came out."""
    rounds = []
    with tempfile.TemporaryDirectory(prefix="cnnlab-parallel-") as place:
        for number in range(asked.rounds):
            found = {n: _train(asked, Path(place, f"{number}-{n}"), n) for n in (1, 2)}
            rounds.append(found)
            rates = ", ".join(f"{n}: {r['images_per_second']:,.0f}" for n, r in found.items())
            print(f"round {number + 1}: images/s by processes: {rates}", flush=True)
    return rounds


def section(
    rounds: Sequence[Mapping[int, Record]],
    *,
    threads: int,
    load: float,
    optimizer: str,
    command: str,
) -> str:
    """The Markdown of it; ``load`` is the machine's before it began."""
    one, two = rounds[0][1], rounds[0][2]
    apart = max(
        abs(a - b) for r in rounds for a, b in zip(r[1]["losses"], r[2]["losses"], strict=True)
    )
    ratios = [r[2]["images_per_second"] / r[1]["images_per_second"] for r in rounds]
    machine = describe_machine("cpu")
    rows = [
        (
            f"{n} x {threads // n}",
            f"{statistics.median(rates):,.0f}",
            f"{min(rates):,.0f} to {max(rates):,.0f}",
            f"{record['train_loss']:.6f}",
            f"{record['train_right']:,}",
            f"{record['validation_accuracy']:.4f}",
        )
        for n, record in ((1, one), (2, two))
        if (rates := [r[n]["images_per_second"] for r in rounds])
    ]
    agrees = "within" if apart < TOLERANCE else "NOT within"
    return "\n\n".join(
        (
            "### Two processes on one processor",
            f"Model F without dropout, fp32, {optimizer}, the same rows, order and weights; batch "
            f"normalisation over both processes. {len(one['losses'])} steps, the last of "
            f"{one['last_batch']} images. Greatest difference of a step's loss over all rounds: "
            f"{apart:.1e}, {agrees} {TOLERANCE:.0e}. Two processes are "
            f"{statistics.median(ratios):.2f} times as fast as one (median of {len(ratios)} "
            f"rounds, {min(ratios):.2f} to {max(ratios):.2f}): on one processor they share what "
            "one process with as many threads has to itself, and are there to be tried, not for "
            "speed. On a machine with other work the ratio says little.",
            markdown_table(
                ("processes x threads", "images/s, median", "least to most",
                 "train loss of the epoch", "right in training", "validation accuracy"), rows,
            ),
            f"{machine['processor']}, {machine['cores']} cores, "
            f"{machine['vector_instructions']}; torch {machine['versions']['torch']}; a load of "
            f"{load:.2f} before it began.",
            f"```text\n{command}\n```",
        )
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code, 1 where losses part."""
    parser = measurement_options(
        __doc__, data="what is trained on", threads=2, out=Path("build/parallel")
    )
    add = parser.add_argument
    add("--train", type=int, default=3_000, help="training images")
    add("--batch-size", type=int, default=128, help="over all processes")
    add("--rounds", type=int, default=3, help="each side once a round")
    add("--optimizer", choices=_RATES, default="sgd")
    add("--into", type=Path, metavar="PAGE.md", help="replace its section there")
    asked = parser.parse_args(arguments)

    def work() -> None:
        load = os.getloadavg()[0]
        rounds = measure(asked)
        command = (
            f"python benchmarks/data_parallel.py --train {asked.train} "
            f"--batch-size {asked.batch_size} --rounds {asked.rounds} --optimizer {asked.optimizer}"
        )
        content = section(
            rounds, threads=asked.threads, load=load, optimizer=asked.optimizer, command=command
        )
        if asked.into is None:
            print(content)
        else:
            put_section(asked.into, "data-parallel", content, title="Scale")

    return run_command("data_parallel", work)


if __name__ == "__main__":
    sys.exit(main())
