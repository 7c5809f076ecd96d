"""A training of which a few steps are tried and nothing is kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

from cnnlab.config import RunConfig
from cnnlab.runs import Run
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.forecast import forecast
from cnnlab.training.prepare import Prepared, decide
from cnnlab.training.room import check_room, look_around
from cnnlab.training.transplant import frozen_layers

__all__ = ["prepare_trial"]


def prepare_trial(config: RunConfig, runs: Path, watch: Watcher) -> Prepared:
    """Decide everything as :func:`cnnlab.training.prepare.prepare_new_run` does; write nothing.

    The result's ``run`` is a directory that is not there. Raises as that does; of the machine's
    room only memory is asked about, for nothing goes to the disk.
    """
    decided = decide(config, runs, watch)
    config, start = decided.config, decided.start
    frozen = frozen_layers(start.architecture, config.init.freeze) if config.init else ()
    expected = forecast(start.architecture, config, decided.split, frozen=frozen)
    room = look_around(runs, config.device)
    _, *warnings = check_room(expected, room, runs, present_bytes=expected.disk_peak_bytes)
    for line in warnings:
        watch(Notice(line))
    return Prepared(
        Run(Path(tempfile.gettempdir(), "cnnlab-trial")),
        config,
        decided.dataset,
        decided.split,
        start.architecture,
        start.preprocessing,
        start.transplant,
    )
