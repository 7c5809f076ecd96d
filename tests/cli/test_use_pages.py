"""Case 30: every step on the pages about predicting and explaining runs as written.

On a small run whose classes are called as some of the drawn shapes; it has learnt other things.
"""

import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "predict.md", DOCS / "explain.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMES = ["circle", "heart", "star"]


def steps(page):
    """Each Python block, and each command."""
    for language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            yield block
        elif not language:
            yield from block.splitlines()


@pytest.fixture
def run(trained):
    """The run "shapes", which the pages train."""
    record = json.loads((trained / "split.json").read_text())
    record["dataset"]["class_names"] = NAMES
    (trained / "split.json").write_text(json.dumps(record))
    trained.rename(trained.with_name("shapes"))


def test_case_30_every_step_runs_as_written(cnnlab, run, monkeypatch):
    done = [(page, step) for page in PAGES for step in steps(page)]
    assert len(done) > 10
    for page, step in done:
        if "import " in step:
            exec(compile(step, str(page), "exec"), {})
            continue
        piped, _, command = step.rpartition(" | ")
        if piped:
            content = Path(shlex.split(piped)[1]).read_bytes()
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        program, verb, *arguments = shlex.split(command)
        assert program == "cnnlab"
        if verb != "train":
            outcome = cnnlab(verb, *arguments)
            assert outcome.code == 0, outcome.err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_pages_pictures_are_there_and_small(page):
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert pictures
    for picture in pictures:
        assert (DOCS / picture).stat().st_size < 300_000
