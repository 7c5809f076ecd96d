"""What a race in miniature needs, and workers that need no process."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import traceback
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import BinaryIO
from unittest.mock import patch

import numpy as np
import pytest
import torch
from harness import workers
from small import MODEL
from small_airbench import stripes, write_script

_RECIPE = """
data: {source: digits, test: 0.9}
model: {name: fastnet, params: {widths: [8, 8], depths: [1, 1]}}
mirror: true
optimizer: {name: muon}
training: {epochs: 8, batch_size: 20, weights: last}
"""
_KERAS = MODEL + "training: {epochs: 9, batch_size: 8}\nnormalization: unit\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Images, a recipe, a model for Keras and a stand-in for airbench's script."""
    (tmp_path / "small.yaml").write_text(_RECIPE, encoding="utf-8")
    (tmp_path / "model.yaml").write_text(_KERAS, encoding="utf-8")
    found = stripes()
    names = {"x": "images", "y": "labels"}
    arrays = {f"{x}_{p}": found[f"{p}_{y}"] for x, y in names.items() for p in ("train", "test")}
    np.savez(tmp_path / "stripes.npz", **arrays)
    write_script(tmp_path)
    return tmp_path


class WorkHere:
    """Stands for a worker's process: has done its job in this one, which has its imports."""

    def __init__(
        self, command: Sequence[Path], *, stdout: BinaryIO, env: Mapping[str, str], **_: object
    ) -> None:
        _, script, task = command
        said = io.StringIO()
        threads = torch.get_num_threads()
        with (
            patch.dict(os.environ, env),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # a process of its own would only print them
            try:
                import_module(script.stem).main(task)
            except Exception:
                traceback.print_exc()
                self._code = 1
            else:
                self._code = 0
            finally:
                torch.set_num_threads(threads)
        stdout.write(said.getvalue().encode())

    def poll(self) -> int:
        return self._code

    wait = poll


@pytest.fixture
def workers_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the workers of a measurement do their jobs in this process.

    test_fidelity.py and test_kill.py start processes.
    """

    class Here:
        Popen, DEVNULL, STDOUT = WorkHere, subprocess.DEVNULL, subprocess.STDOUT

    monkeypatch.setattr(workers, "subprocess", Here)
