"""Case 30: every command in the README runs as written, in the order in which it stands there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pet_files import write_pets

from cnnlab.data import SOURCES

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(cnnlab [^`]+)`")

#: Minutes long, in need of a network, or without an end: tests/workflows, tests/data and
#: tests/serving stand for them.
ELSEWHERE = {"cnnlab quickstart", "cnnlab reproduce", "cnnlab serve f", "cnnlab VERB --help"}


#: These train networks of real size.
TWO_THREADS = {**os.environ, "OMP_NUM_THREADS": "2"}


def commands():
    """Each command, without the comment behind it."""
    found = []
    text = README.read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("| "):
            found += INLINE.findall(line)
    for language, block in BLOCK.findall(text):
        if not language:
            found += [line.partition("  #")[0].strip() for line in block.splitlines()
                      if line.startswith("cnnlab ")]  # fmt: skip
    return [command for command in found if command not in ELSEWHERE]


def files():
    """The YAML files that the README writes out, by the name in their first line."""
    blocks = [block for language, block in BLOCK.findall(README.read_text()) if language == "yaml"]
    return {block.splitlines()[0].removeprefix("# "): block for block in blocks}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder with the README's files and a few small pets, in every form, in it."""
    place = tmp_path_factory.mktemp("readme")
    for name, content in files().items():
        (place / name).write_text(content, encoding="utf-8")
    write_pets(place)
    return place


def test_the_readme_has_commands_and_files():
    assert len(commands()) > 15
    assert set(files()) == {"mine.yaml", "recipe.yaml"}


@pytest.mark.timeout(1800)
def test_case_30_every_command_runs_as_written(folder):
    for command in commands():
        if "fetch fashion-mnist" in command and SOURCES.get("fashion-mnist").find() is None:
            continue
        arguments = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(
            arguments, cwd=folder, env=TWO_THREADS, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert "Traceback" not in done.stderr


@pytest.mark.timeout(600)
def test_case_30_the_python_example_runs_as_written(folder):
    (code,) = [
        block for language, block in BLOCK.findall(README.read_text()) if language == "python"
    ]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=TWO_THREADS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout
