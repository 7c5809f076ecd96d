"""Run the command line inside this process and see what a user would see."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cnnlab.cli.main import main
from cnnlab.workflows.configure import configure
from cnnlab.workflows.train import train_and_evaluate


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON object and nothing else."""
        return json.loads(self.out)


@pytest.fixture
def cnnlab(capsys, tmp_path, monkeypatch):
    """Call ``cnnlab("verb", ...)`` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNLAB_OFFLINE", "")  # what --offline sets is taken back

    def call(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), said.out, said.err)

    return call


@pytest.fixture(scope="session")
def finished_run(images, tiny_model, tmp_path_factory):
    """A folder with one trained run, "first"."""
    config = configure(
        settings={
            "name": "first",
            "data": {"source": str(images)},
            "model": {"name": str(tiny_model)},
            "training": {"epochs": 8, "batch_size": 16},
            "optimizer": {"name": "adam", "lr": 0.01},
        }
    )
    runs = tmp_path_factory.mktemp("trained") / "runs"
    train_and_evaluate(config, runs)
    return runs


@pytest.fixture
def trained(finished_run, tmp_path):
    """A copy of the trained run, in ./runs."""
    shutil.copytree(finished_run, tmp_path / "runs")
    return Path("runs") / "first"
