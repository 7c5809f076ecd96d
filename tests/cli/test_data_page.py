"""Case 30: every command on the page about your own images runs as written."""

import re
import shlex
from pathlib import Path

import pytest
from pet_files import write_more, write_pets

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def commands():
    """The lines of the code blocks without a language."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    lines = [line for language, block in blocks if not language for line in block.splitlines()]
    return [line for line in lines if line.startswith("cnnlab ")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_pets(folder)
    write_more(folder)
    return folder


def test_the_page_has_commands():
    assert len(commands()) == 8
    assert sum("--set" in command for command in commands()) == 2


@pytest.mark.parametrize("command", commands())
def test_case_30_every_command_runs_as_written(cnnlab, command, place, monkeypatch):
    monkeypatch.chdir(place)
    done = cnnlab(*shlex.split(command)[1:])
    assert done.code == 0, done.err
    assert "None" not in done.out
