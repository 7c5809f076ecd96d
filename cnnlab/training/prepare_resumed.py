"""From a run directory to all that its training goes on with."""

from __future__ import annotations

from cnnlab.config import RunConfig
from cnnlab.device import choose_device
from cnnlab.errors import RunError
from cnnlab.inference import Preprocessing
from cnnlab.runs import Run, files_of
from cnnlab.training.base_run import open_base_run
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.prepare import Prepared
from cnnlab.training.room import foresee
from cnnlab.training.transplant import Transplant, plan_transplant

__all__ = ["prepare_resumed_run"]


def prepare_resumed_run(run: Run, watch: Watcher) -> Prepared:
    """Read everything back; :class:`RunError` where the data is no longer the same."""
    config = run.typed_config()
    dataset = run.open_dataset(lambda line: watch(Notice(line)))
    # The device of the run must be here: going on elsewhere would give other weights.
    choose_device(config.device)
    architecture, split = run.architecture(), run.rows()
    present = sum(files_of(run.path).values())
    foresee(architecture, config, split, run.path, watch, present_bytes=present)
    return Prepared(
        run,
        config,
        dataset,
        split,
        architecture,
        Preprocessing.from_dict(run.preprocessing),
        _transplant_again(run, config),
    )


def _transplant_again(run: Run, config: RunConfig) -> Transplant | None:
    """What a run takes from the one that it starts from, if it was cut off before its first step.

    Every checkpoint holds all weights: then the other run may have changed or be gone.
    """
    if config.init is None or any(run.checkpoints.glob("last-*.safetensors")):
        return None
    try:
        base = open_base_run(config.init)
        return plan_transplant(base, run.architecture(), run.class_names)
    except RunError as error:
        raise RunError(f"has no checkpoint yet and cannot start: {error}", where=run.path) from None
