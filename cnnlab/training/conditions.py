"""What weights depend on beside the configuration: is this still the machine that began a run?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnlab.device import describe_machine
from cnnlab.errors import RunError
from cnnlab.ranks import world
from cnnlab.runs import Run, command_line
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.replica import check_ranks

__all__ = ["changed_conditions", "check_conditions", "processes_of"]

#: Other kernels round otherwise: by the processor and its vectors, by the accelerator.
_MACHINE = ("machine", "processor", "vector_instructions", "accelerator")
_VERSIONS = ("cnnlab", "torch")


def processes_of(environment: Mapping[str, Any]) -> int:
    """How many processes train, or trained, a run together."""
    return int(environment.get("processes") or 1)


def changed_conditions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What decides about weights and differs, as "torch 2.13.0 (was 2.12.1)".

    Both are as :func:`cnnlab.device.describe_machine` gives them. Device, precision and threads
    are settings of the run, which nothing changes; how many processes trained it is none.
    """
    pairs = [(name.replace("_", " "), before.get(name), now.get(name)) for name in _MACHINE]
    versions = (before.get("versions", {}), now.get("versions", {}))
    pairs += [(name, *(side.get(name) for side in versions)) for name in _VERSIONS]
    pairs.append(("processes", processes_of(before), processes_of(now)))
    return [
        f"{name} {new or 'none'} (was {old or 'none'})" for name, old, new in pairs if old != new
    ]


def check_conditions(run: Run, watch: Watcher, *, inexact: bool) -> list[str]:
    """Before a run goes on: would it end with the weights that it would have had?

    Raises :class:`RunError` where not, unless ``inexact``: then the conditions that changed are
    returned, for ``inexact.jsonl`` to say from which step on they held.
    """
    check_ranks(run.typed_config())
    changed = changed_conditions(run.environment, describe_machine(str(run.config["device"])))
    if not changed:
        return []
    said = ", ".join(changed)
    if not inexact:
        raise RunError(
            f"it would not go on exactly: {said}",
            where=run.path,
            todo=f"go on {_as_before(run)}, or: {command_line('train', '--resume', run.path)}"
            f"{world().option} --inexact, which the run and its report will say",
        )
    watch(Notice(f"going on inexactly: {said}"))
    return changed


def _as_before(run: Run) -> str:
    before = processes_of(run.environment)
    if before == world().size:
        return "where it began"
    return "without --devices" if before == 1 else f"with --devices {before}"
