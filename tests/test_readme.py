"""Case 30: every command in the README runs as written, in the order in which it stands there.

They run in this process and on a few of the digits: fifty processes that import torch, and
trainings on all the images, took a quarter of the whole suite's time and showed nothing more.
One command runs as a user types it, on all of them.
"""

import dataclasses
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pet_files import write_pets

from cnnlab.cli.main import main
from cnnlab.data import SOURCES
from cnnlab.data.digits import Digits
from cnnlab.data.source import Found

pytestmark = pytest.mark.long

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(cnnlab [^`]+)`")

#: Minutes long, in need of a network, or without an end: tests/workflows, tests/data and
#: tests/serving stand for them.
ELSEWHERE = {"cnnlab quickstart", "cnnlab reproduce", "cnnlab serve f", "cnnlab VERB --help"}
#: What runs in a process of its own.
TYPED = "cnnlab train --model mine.yaml --data digits --epochs 5"


class FewDigits(Digits):
    """The first of the digits, every class among them, under their usual name."""

    count = 200

    def find(self):
        found = super().find()
        return Found(found.path, {**found.identity, "first": self.count})

    def read(self, found, options, allocate):
        whole = super().read(found, options, lambda shape: np.empty(shape, dtype=np.uint8))
        images = allocate((self.count, *whole.images.shape[1:]))
        images[:] = whole.images[: self.count]
        labels, parts = whole.labels[: self.count], {"train": self.count}
        return dataclasses.replace(whole, images=images, labels=labels, parts=parts)


def blocks(kind):
    """The code blocks of a language, of none where it is empty."""
    found = BLOCK.findall(README.read_text(encoding="utf-8"))
    return [block for language, block in found if language == kind]


def commands():
    """Each command, without the comment behind it."""
    found = []
    for line in README.read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            found += INLINE.findall(line)
    for block in blocks(""):
        found += [line.partition("  #")[0].strip() for line in block.splitlines()
                  if line.startswith("cnnlab ")]  # fmt: skip
    return [command for command in found if command not in ELSEWHERE]


def files():
    """The YAML files that the README writes out, by the name in their first line."""
    return {block.splitlines()[0].removeprefix("# "): block for block in blocks("yaml")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder with the README's files and a few small pets, in every form, in it."""
    place = tmp_path_factory.mktemp("readme")
    for name, content in files().items():
        (place / name).write_text(content, encoding="utf-8")
    write_pets(place)
    return place


@pytest.fixture
def here(folder, monkeypatch, operators_read_once):
    """That folder as the current one, and few digits."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CNNLAB_OFFLINE", "")  # what --offline sets is taken back
    monkeypatch.setitem(SOURCES._entries, Digits.name, FewDigits())


def test_the_readme_has_commands_and_files():
    assert len(commands()) > 15
    assert TYPED in commands()
    assert set(files()) == {"mine.yaml", "recipe.yaml"}


@pytest.mark.timeout(600)
def test_case_30_every_command_runs_as_written(here, capsys):
    for command in commands():
        if "fetch fashion-mnist" in command and SOURCES.get("fashion-mnist").find() is None:
            continue
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(command)[1:])
        said = capsys.readouterr()
        assert not ended.value.code, f"{command}\n{said.err}"
        assert "Traceback" not in said.err


def test_case_30_a_command_runs_as_a_user_types_it(tmp_path):
    (tmp_path / "mine.yaml").write_text(files()["mine.yaml"], encoding="utf-8")
    arguments = [sys.executable, "-m", *shlex.split(TYPED)]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "validation accuracy" in done.stdout


def test_case_30_the_python_example_runs_as_written(here, capsys):
    (code,) = blocks("python")
    exec(compile(code, str(README), "exec"), {})
    assert "test accuracy" in capsys.readouterr().out
