"""On paper: what it costs 8 and 64 GPUs to train a network together, and where it stops paying.

Arithmetic from a network's own parameters and operations, and from data sheets; nothing is
measured::

    python benchmarks/communication.py --into docs/results/scale.md
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command import run_command
from harness.page_sections import markdown_table, put_section
from harness.training_flops import training_flops

from cnnlab.models import load_architecture
from cnnlab.models.modules import BatchNorm

__all__ = ["CLUSTERS", "Cluster", "Network", "main", "network_of", "section"]

#: Dense bf16 of an H100 SXM by its data sheet, and the part of it that convolutions on small maps
#: are taken to reach.
_PEAK_FLOPS, _REACHED = 989e12, 0.2
_RATE = _PEAK_FLOPS * _REACHED

#: torch's buckets of gradients; a collective is begun for each.
_BUCKET_BYTES = 25 << 20
_BYTES_PER_GRADIENT = 4

#: Of a step's arithmetic the part that is backward, behind which gradients can travel.
_BACKWARD = 2 / 3
_PER_GPU = 256
_CIFAR_IMAGES = 50_000
_MOST_PER_GPU = 1 << 20
_MODELS = ("fastnet", "model-f", "resnet18")


@dataclass(frozen=True)
class Cluster:
    """GPUs and what is between them.

    Attributes
    ----------
    bytes_per_second: what one GPU sends, while it receives as much.
    hop_seconds: from a GPU that sends to one that has received, the start of a kernel included.
    """

    name: str
    gpus: int
    bytes_per_second: float
    hop_seconds: float

    @property
    def latency_seconds(self) -> float:
        """Of a message however small from all to all: up a binary tree and down again."""
        return 2 * math.ceil(math.log2(self.gpus)) * self.hop_seconds

    def sent_bytes(self, size: float) -> float:
        """What each GPU sends so that all have the sum of ``size`` bytes, around a ring."""
        return 2 * (self.gpus - 1) / self.gpus * size

    def all_reduce_seconds(self, size: float) -> float:
        """Time until all have the sum of ``size`` bytes."""
        buckets = max(math.ceil(size / _BUCKET_BYTES), 1)
        return self.sent_bytes(size) / self.bytes_per_second + buckets * self.latency_seconds


CLUSTERS = (
    Cluster("8 GPUs, NVLink, 450 GB/s", 8, 450e9, 3e-6),
    Cluster("64 GPUs, InfiniBand, 50 GB/s", 64, 50e9, 5e-6),
    Cluster("64 GPUs, Ethernet, 1.6 GB/s", 64, 12.5e9 / 8, 15e-6),
)


@dataclass(frozen=True)
class Network:
    """What counts of a network.

    Attributes
    ----------
    parameters: that have a gradient.
    flops: of one image in one step, forward and backward.
    norms: channels of each batch normalisation.
    """

    name: str
    parameters: int
    flops: int
    norms: tuple[int, ...]

    @property
    def gradient_bytes(self) -> int:
        """Of all gradients in single precision."""
        return _BYTES_PER_GRADIENT * self.parameters

    def computing(self, images: int) -> float:
        """Seconds of arithmetic that a GPU has with so many images."""
        return images * self.flops / _RATE

    def norms_waiting(self, cluster: Cluster) -> float:
        """Seconds in which batch normalisation waits for others: forward and backward, a layer.

        Two numbers a channel and rank; what follows cannot begin without them.
        """
        sizes = (2 * _BYTES_PER_GRADIENT * channels for channels in self.norms)
        return 2 * sum(cluster.latency_seconds + s / cluster.bytes_per_second for s in sizes)

    def efficiency(self, cluster: Cluster, images: int) -> float:
        """The share of a step in which a GPU with so many images computes."""
        computing = self.computing(images)
        gradients = cluster.all_reduce_seconds(self.gradient_bytes)
        shown = max(gradients - _BACKWARD * computing, cluster.latency_seconds)
        return computing / (computing + shown + self.norms_waiting(cluster))

    def pays_from(self, cluster: Cluster, share: float = 0.5) -> int:
        """The fewest images a GPU with which it computes that share of the time."""
        low, high = 0, _MOST_PER_GPU
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (low, middle) if self.efficiency(cluster, middle) >= share else (middle, high)
            )
        return high


def network_of(name: str) -> Network:
    """Read it off a registered model, for 32 x 32 images in colour and ten classes."""
    architecture = load_architecture(name, input_shape=(32, 32, 3), classes=10)
    network = architecture.build()
    return Network(
        name,
        sum(p.numel() for p in network.parameters() if p.requires_grad),
        training_flops(architecture),
        tuple(len(m.moving_mean) for m in network.modules() if isinstance(m, BatchNorm)),
    )


def section(networks: Sequence[Network], clusters: Sequence[Cluster] = CLUSTERS) -> str:
    """The Markdown of it."""
    return "\n\n".join(
        (
            "### On paper: communication against computation",
            _premises(),
            markdown_table(
                ("network", "parameters", "gradients a step, MB", "GFLOP an image and step",
                 "batch normalisations"),
                [(n.name, f"{n.parameters:,}", f"{n.gradient_bytes / 1e6:.1f}",
                  f"{n.flops / 1e9:.2f}", len(n.norms)) for n in networks],
            ),
            markdown_table(
                ("network", "between them", "each sends, MB", "gradients, ms",
                 "batch norm, ms", f"computing {_PER_GPU} images, ms", "computes",
                 "half the time from", "which is a batch of", "and steps an epoch"),
                [_row(n, c) for n in networks for c in clusters], words=2,
            ),
            _reading(),
            "```text\npython benchmarks/communication.py --into docs/results/scale.md\n```",
        )
    )  # fmt: skip


def _row(network: Network, cluster: Cluster) -> tuple[str, ...]:
    least = network.pays_from(cluster)
    batch = least * cluster.gpus
    return (
        network.name,
        cluster.name,
        f"{cluster.sent_bytes(network.gradient_bytes) / 1e6:.1f}",
        f"{1e3 * cluster.all_reduce_seconds(network.gradient_bytes):.2f}",
        f"{1e3 * network.norms_waiting(cluster):.2f}",
        f"{1e3 * network.computing(_PER_GPU):.2f}",
        f"{network.efficiency(cluster, _PER_GPU):.0%}",
        f"{least:,} images a GPU",
        f"{batch:,}",
        f"{math.ceil(_CIFAR_IMAGES / batch):,}",
    )


def _premises() -> str:
    return (
        "Arithmetic, not a measurement. Every GPU has the whole network and its rows of the batch; "
        "a step's gradients, 4 bytes a parameter, are summed around a ring, for which each of n "
        "GPUs sends 2(n-1)/n times as much. A message also takes 2 log2(n) hops, of 3, 5 and 15 µs "
        "here (assumed), for each bucket of 25 MiB and twice for each batch normalisation, forward "
        "and backward. Bandwidths are of one GPU in one direction, by data sheets: NVLink 4 in an "
        "H100 node, a 400 Gbit/s adapter for each GPU, one of 100 Gbit/s for a node of eight. An "
        f"H100 computes at {_RATE / 1e12:.0f} TFLOP/s, {_REACHED:.0%} of its dense bf16 peak "
        "(assumed; where less is reached computing takes longer, and communication weighs less). "
        "Gradients travel behind the backward pass, two thirds of "
        "the arithmetic; batch normalisation cannot."
    )


def _reading() -> str:
    return (
        "So it is hardly ever the gradients: these networks are small, and what they send hides "
        "behind the backward pass on every link but the slow one. It is the waiting for small "
        "messages, above all batch normalisation's, which does not shrink with the share of a GPU. "
        "It stops paying where a GPU has fewer images than the table says, and long before the "
        "machines are the limit the batch is: CIFAR-10 has 50,000 images, and a batch that is "
        "worth 64 GPUs leaves few steps an epoch. Several seeds, or the trials of a sweep, one on "
        "each GPU, send nothing at all: for images this small that is the better use of a cluster."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the section, or put it into a page; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, metavar="PAGE.md", help="replace its section there")
    asked = parser.parse_args(arguments)

    def work() -> None:
        content = section([network_of(name) for name in _MODELS])
        if asked.into is None:
            print(content)
        else:
            put_section(asked.into, "communication", content, title="Scale")

    return run_command("communication", work)


if __name__ == "__main__":
    sys.exit(main())
