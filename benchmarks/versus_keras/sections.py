"""The report's sections on what must agree exactly, on what chance decides, and on commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from harness.records import Record

from cnnlab.reports.document import Block, Code, Heading, Paragraph, Table
from cnnlab.reports.wording import enumeration
from versus_keras.statistics import Compared

__all__ = ["commands_section", "draws_section", "steps_section", "versions_text"]


def versions_text(records: Iterable[Record]) -> str:
    """What the records were made with: "keras 3.15.1, tensorflow 2.21.0 and torch 2.13.0"."""
    found = {(name, number) for record in records for name, number in record["versions"].items()}
    return enumeration([f"{name} {number}" for name, number in sorted(found)])


def steps_section(lockstep: Sequence[Record]) -> list[Block]:
    rows = []
    for record in lockstep:
        ours, theirs = record["cnnlab"], record["keras"]
        gap = np.abs(np.subtract(ours["losses"], theirs["losses"]))
        inner = max(
            abs(a["loss"] - b["loss"]) for a, b in zip(ours["inner"], theirs["inner"], strict=True)
        )
        rows.append(
            (
                record["model"],
                str(record["stages"]),
                str(record["batch_size"]),
                str(len(gap)),
                f"{ours['losses'][0]:.3f} to {ours['losses'][-1]:.3f}",
                f"{gap.max():.1e}",
                f"{inner:.1e}",
                f"{record['weights_apart']:.1e}",
                f"{record['engine_apart']:.1e}",
            )
        )
    return [
        Heading("Step by step"),
        Paragraph(
            "With dropout rates 0, the same initial weights and the same batches nothing is left "
            "to chance, and both sides must agree up to rounding. They compute in double "
            "precision here, since in single precision rounding alone grows to the size of a step "
            "within ten: Adam and Adamax divide a small gradient by its own size. Adam has both "
            "its decay rates at 1/2, whose powers are exact in the single precision in which "
            "Keras, and so cnnlab, takes them. cnnlab's side is a plain loop over its own parts, "
            "which in single precision gives the losses of cnnlab's train."
        ),
        Table.of(
            (
                "model",
                "stages",
                "batch size",
                "steps",
                "loss, first to last",
                "largest difference of a loss",
                "of an inner loss",
                "weights apart",
                "train from the loop",
            ),
            rows,
            "cnnlab and Keras from the same weights over the same batches. Weights apart: the "
            "distance between both ends, as a share of the way that training moved the weights. "
            f"{versions_text(lockstep)}.",
        ),
    ]


def draws_section(draws: Sequence[Record]) -> list[Block]:
    rows, dropped = [], []
    for record in draws:
        kernels = record["kernels"]
        rows.append(
            (
                record["model"],
                str(len(kernels)),
                *(f"{min(s)} to {max(s)}" for s in _ranges(kernels, "std")),
                *(f"{min(s)} to {max(s)}" for s in _ranges(kernels, "largest")),
                f"{min(kernel['p_value'] for kernel in kernels):.3f}",
                "yes" if record["other_weights_equal"] else "no",
            )
        )
        for layer, ours in record["dropout"]["cnnlab"].items():
            theirs = record["dropout"]["keras"][layer]
            dropped.append(
                (
                    f"{record['model']}: {layer}",
                    *(f"{side['kept']:.4f}" for side in (ours, theirs)),
                    *(f"{side['scale']:.4f}" for side in (ours, theirs)),
                    *("yes" if side["whole_channels"] else "no" for side in (ours, theirs)),
                    f"{ours['units']:,}",
                )
            )
    count = sum(len(record["kernels"]) for record in draws)
    return [
        Heading("What chance decides"),
        Table.of(
            (
                "model",
                "kernels",
                "deviation, cnnlab",
                "Keras",
                "largest weight, cnnlab",
                "Keras",
                "smallest p",
                "other weights equal",
            ),
            rows,
            "Initial kernels, as shares of Glorot's uniform deviation and bound; p of the "
            f"two-sample Kolmogorov-Smirnov test, the smallest of the model's kernels; of {count} "
            f"in all, the smallest is about {1 / (count + 1):.3f} where nothing differs. "
            "The other weights are biases, gammas, betas and moving statistics.",
        ),
        Table.of(
            (
                "layer",
                "kept, cnnlab",
                "Keras",
                "kept becomes, cnnlab",
                "Keras",
                "whole channels, cnnlab",
                "Keras",
                "drawn",
            ),
            dropped,
            "Dropout layers shown maps of ones: the share kept, and what it becomes.",
        ),
    ]


def _ranges(kernels: Sequence[Record], key: str) -> Iterable[list[str]]:
    for side in (0, 1):
        yield [f"{kernel[key][side]:.3f}" for kernel in kernels]


def commands_section(
    groups: Sequence[Compared], lockstep: Sequence[Record], draws: Sequence[Record]
) -> list[Block]:
    """What gives these records again, in an environment of Keras's at PYTHON."""
    asked: dict[str, list[str]] = {}
    for group in groups:
        seeds = f"--seeds {max(len(group.ours), len(group.theirs))} "
        size = f"--train {group.train} --epochs {group.epochs} {seeds}"
        asked.setdefault(
            f"fidelity.py {size}{_peer(group.keras.removeprefix('keras-'))}", []
        ).append(group.model)
    for record in lockstep:
        size = f"--train {record['train']} --epochs {record['epochs']} "
        models = asked.setdefault(f"lockstep.py {size}{_peer(record['backend'])}", [])
        models.append(record["model"])
    for record in draws:
        asked.setdefault(f"draws.py {_peer(record['backend'])}", []).append(record["model"])
    lines = [
        f"python benchmarks/{command} --models {','.join(models)} --out OUT"
        for command, models in asked.items()
    ]
    report = "python benchmarks/fidelity.py --out OUT --report docs/results/fidelity.md"
    return [Heading("Commands"), Code("\n".join([*lines, report]))]


def _peer(backend: str) -> str:
    return f"--backend {backend} --keras-python PYTHON"
