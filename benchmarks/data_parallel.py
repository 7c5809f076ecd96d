"""Do two processes with a core each train as one with two cores does, and how fast?

Model F without dropout on the same rows in fp32: one process, two, and one with a single thread,
in turn. The last is the control: it differs from the first in the rounding of sums alone, and shows
what rounding grows to. The sizes do not divide, so that the last batch is uneven::

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

from harness.command import run_command
from harness.page_sections import markdown_table, put_section
from harness.records import Record
from harness.workers import start

from cnnlab.device import describe_machine
from cnnlab.ranks import RENDEZVOUS

__all__ = ["CONTROL", "ONE", "TWO", "main", "section", "verdict"]

Side = tuple[int, int]

#: Losses must agree so far.
TOLERANCE = 1e-5
#: Later the median distance may be so many times the control's.
AS_FAR = 3.0
_SHOWN_STEPS = 6
#: Processes, and the threads of each: what is measured, and what it is held against.
ONE, TWO, CONTROL = (1, 2), (2, 1), (1, 1)
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


def _train(asked: argparse.Namespace, folder: Path, processes: int, threads: int) -> Record:
    """Train once in so many processes of so many threads; return what rank 0 says."""
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


def measure(asked: argparse.Namespace) -> Sequence[Mapping[Side, Record]]:
    """All rounds: by processes and threads what came out."""
    rounds = []
    with tempfile.TemporaryDirectory(prefix="cnnlab-parallel-") as place:
        for number in range(asked.rounds):
            found = {
                (processes, threads): _train(
                    asked, Path(place, f"{number}-{processes}-{threads}"), processes, threads
                )
                for processes, threads in (ONE, TWO, CONTROL)
            }
            rounds.append(found)
            rates = ", ".join(f"{n} x {t}: {r['images_per_second']:,.0f}"
                              for (n, t), r in found.items())  # fmt: skip
            print(f"round {number + 1}: images/s by processes x threads: {rates}", flush=True)
    return rounds


def _apart(rounds: Sequence[Mapping[Side, Record]], side: Side) -> list[float]:
    """How far each step's loss is from that of one process."""
    return [
        abs(other - one)
        for found in rounds
        for one, other in zip(found[ONE]["losses"], found[side]["losses"], strict=True)
    ]


def verdict(rounds: Sequence[Mapping[Side, Record]]) -> str:
    """Whether every step agrees, the first one does, and what follows grows as rounding does."""
    apart = max(_apart(rounds, TWO))
    begun = max(abs(found[TWO]["losses"][0] - found[ONE]["losses"][0]) for found in rounds)
    later, control = (statistics.median(_apart(rounds, side)) for side in (TWO, CONTROL))
    wholly, agrees = ("within" if value <= TOLERANCE else "NOT within" for value in (apart, begun))
    grows = "as rounding does" if later <= AS_FAR * control + TOLERANCE else "FASTER than rounding"
    return (
        f"Greatest difference of a step's loss over all rounds: {apart:.1e}, {wholly} "
        f"{TOLERANCE:.0e}. That of the first step: {begun:.1e}, {agrees} {TOLERANCE:.0e}. After "
        f"it the distance grows {grows}: over all steps its median is {later:.1e}, and "
        f"{control:.1e} between one process with two threads and the same with one, whose sums "
        "are rounded otherwise and nothing else. Smaller networks stay within 1e-05 in every "
        "step, with uneven last batches, under SGD and Adam: tests/training/test_replica.py."
    )


def section(
    rounds: Sequence[Mapping[Side, Record]], *, load: float, optimizer: str, command: str
) -> str:
    """The Markdown of it; ``load`` is the machine's before it began."""
    one, two = rounds[0][ONE], rounds[0][TWO]
    ratios = [r[TWO]["images_per_second"] / r[ONE]["images_per_second"] for r in rounds]
    machine = describe_machine("cpu")
    rows = [
        (
            f"{side[0]} x {side[1]}",
            f"{statistics.median(rates):,.0f}",
            f"{min(rates):,.0f} to {max(rates):,.0f}",
            f"{rounds[0][side]['train_loss']:.6f}",
            f"{rounds[0][side]['train_right']:,}",
            f"{rounds[0][side]['validation_accuracy']:.4f}",
        )
        for side in (ONE, TWO, CONTROL)
        if (rates := [r[side]["images_per_second"] for r in rounds])
    ]
    steps = [
        (str(number), f"{loss:.4f}", f"{there - loss:+.1e}", f"{control - loss:+.1e}")
        for number, (loss, there, control) in enumerate(
            zip(one["losses"], two["losses"], rounds[0][CONTROL]["losses"], strict=True), start=1
        )
    ]
    return "\n\n".join(
        (
            "### Two processes on one processor",
            f"Model F without dropout, fp32, {optimizer}, the same rows, order and weights; batch "
            f"normalisation over both processes. {len(one['losses'])} steps, the last of "
            f"{one['last_batch']} images. {verdict(rounds)}",
            markdown_table(
                ("step", "loss of one process", "two processes", "one process, one thread"),
                steps[:_SHOWN_STEPS],
            ),
            "Two processes are "
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
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", default="cifar10-jpeg", help="what is trained on")
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
        content = section(rounds, load=load, optimizer=asked.optimizer, command=command)
        if asked.into is None:
            print(content)
        else:
            put_section(asked.into, "data-parallel", content, title="Scale")

    return run_command("data_parallel", work)


if __name__ == "__main__":
    sys.exit(main())
