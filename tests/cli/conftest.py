"""Run the command line inside this process and see what a user would see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from cnnlab.cli.main import main


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

    def call(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), said.out, said.err)

    return call


@pytest.fixture
def trained(cnnlab, images, tiny_model):
    """A trained run called "first" in ./runs."""
    outcome = cnnlab("train", "--model", tiny_model, "--data", images, "--epochs", 8,
                     "--batch-size", 16, "--lr", "0.01", "--optimizer", "adam", "--name", "first",
                     "--json")  # fmt: skip
    assert outcome.code == 0, outcome.err
    return outcome.json
