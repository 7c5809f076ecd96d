"""Checkpoints: tensors in safetensors, everything else as JSON in the header; no pickle."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from cnnlab.errors import RunError
from cnnlab.files import storage_errors, write_bytes
from cnnlab.inference import digest_of_header, digest_of_tensors, read_tensors
from cnnlab.runs import Run

__all__ = [
    "last_checkpoints",
    "latest_checkpoint",
    "left_overs",
    "pack_optimizer",
    "save_last",
    "save_tensors",
    "unpack_optimizer",
]

_KEPT = 2
#: What the name of a damaged checkpoint begins with, once another one was taken up.
_DAMAGED = "damaged-"
Tensors = dict[str, torch.Tensor]


def save_tensors(path: Path, tensors: Tensors, header: dict[str, Any]) -> None:
    """Write a checkpoint in one step, with a SHA-256 over tensors and one over the header in it."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {**header, "sha256": digest_of_tensors(plain)}
    header["header_sha256"] = digest_of_header(json.loads(json.dumps(header)))
    write_bytes(path, save(plain, metadata={"cnnlab": json.dumps(header)}))


def save_last(run: Run, step: int, tensors: Tensors, header: dict[str, Any]) -> None:
    """Write ``last-STEP.safetensors`` and remove all but the two newest."""
    save_tensors(run.checkpoints / f"last-{step:09d}.safetensors", tensors, header)
    for path in last_checkpoints(run)[_KEPT:]:
        with storage_errors(path):
            path.unlink(missing_ok=True)


def last_checkpoints(run: Run) -> list[Path]:
    """The files from which training can go on, newest first."""
    return sorted(run.checkpoints.glob("last-*.safetensors"), reverse=True)


def left_overs(run: Run) -> list[Path]:
    """What a kill left of checkpoints being written, and damaged ones that were set aside.

    For whoever holds the run's lock: only training writes in that folder, so without it a
    temporary file is nobody's.
    """
    return sorted([*run.checkpoints.glob(".*.tmp"), *run.checkpoints.glob(f"{_DAMAGED}*")])


def latest_checkpoint(run: Run) -> tuple[Tensors, dict[str, Any], list[str]] | None:
    """The newest checkpoint that verifies: tensors, header, and the names of damaged ones.

    The damaged ones are set aside, as :func:`left_overs`: counted among the newest they would push
    good ones out. None where there is none at all; :class:`RunError` where all are damaged.
    """
    damaged: list[Path] = []
    for path in last_checkpoints(run):
        try:
            tensors, header = read_tensors(path)
        except RunError:
            damaged.append(path)
        else:
            _set_aside(damaged)
            return tensors, header, [path.name for path in damaged]
    if damaged:
        raise RunError(
            f"every checkpoint is damaged ({', '.join(path.name for path in damaged)})",
            where=run.path,
            todo="train it again from its config.yaml: cnnlab train --config "
            f"{run.path / 'config.yaml'}",
        )
    return None


def _set_aside(damaged: list[Path]) -> None:
    for path in damaged:
        # Another process that takes part in the training may have been faster.
        with storage_errors(path), suppress(FileNotFoundError):
            path.replace(path.with_name(path.name.replace("last-", _DAMAGED, 1)))


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[Tensors, dict[str, Any]]:
    """Divide an optimizer's state into tensors, named ``optimizer.INDEX.KEY``, and numbers."""
    content = optimizer.state_dict()
    tensors: Tensors = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, entries in content["state"].items():
        for key, value in entries.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    return tensors, {"numbers": numbers, "groups": content["param_groups"]}


def unpack_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Tensors, header: dict[str, Any]
) -> None:
    """Give an optimizer the state that :func:`pack_optimizer` took apart."""
    state: dict[int, dict[str, Any]] = {
        int(index): dict(entries) for index, entries in header["numbers"].items()
    }
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    # What a group says that was unknown when the checkpoint was written stays as it is.
    own = optimizer.state_dict()["param_groups"]
    groups = [{**new, **old} for new, old in zip(own, header["groups"], strict=True)]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
