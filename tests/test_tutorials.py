"""Case 30: every command of the tutorials runs as written, on a few small images.

They stand for the data set that the tutorial names: what is learnt from them means nothing.
"""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from cnnlab.cli.main import main
from cnnlab.data import SOURCES
from cnnlab.data.source import NO_OPTIONS, Decoded, Found

pytestmark = pytest.mark.long

TUTORIALS = sorted((Path(__file__).parent.parent / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Miniature:
    """A data set's form: a few images of noise under a stripe that tells the class."""

    title, description, options = "Miniature", "small", NO_OPTIONS
    follows_form = False

    def __init__(self, name, channels, class_names, parts):
        self.name, self.channels = name, channels
        self.class_names, self.parts = class_names, parts

    def find(self):
        return Found(Path("miniature"), {})

    def read(self, found, options, allocate):
        labels = np.tile(np.arange(10), sum(self.parts.values()) // 10)
        images = allocate((len(labels), 32, 32, self.channels))
        images[:] = np.random.default_rng(0).integers(0, 120, images.shape)
        for row, label in enumerate(labels):
            images[row, 3 * label : 3 * label + 3] = 230
        return Decoded(images, labels, self.class_names, self.parts)


MINIATURES = (
    Miniature("cifar10-jpeg", 3, NAMES, {"train": 200, "test": 80}),
    Miniature("digits", 1, tuple("0123456789"), {"train": 200}),
)


def steps(tutorial):
    """Each Python block, and each command without the comment behind it, in their order."""
    for language, block in BLOCK.findall(tutorial.read_text(encoding="utf-8")):
        if language == "python":
            yield block
        elif not language:
            yield from (line.partition("  #")[0] for line in block.splitlines())


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_case_30_every_step_runs_as_written(tutorial, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for small in MINIATURES:
        monkeypatch.setitem(SOURCES._entries, small.name, small)
    done = list(steps(tutorial))
    assert any(step.startswith("cnnlab train ") for step in done)
    for step in done:
        if not step.startswith("cnnlab "):
            exec(compile(step, str(tutorial), "exec"), {})
            continue
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(step)[1:])
        assert not ended.value.code, f"{step}\n{capsys.readouterr().err}"


def test_there_are_tutorials():
    assert TUTORIALS
