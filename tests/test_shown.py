"""What a notebook shows of the objects that the Python API gives."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest
from small_runs import make_run

from cnnlab.bundle import bundle_of
from cnnlab.config import RunConfig
from cnnlab.data.dataset import Dataset
from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.settings import parse_yaml


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("shown"), "one")


def shown(thing):
    """The text in what a notebook is given."""
    found = re.fullmatch(r"<pre>(.*)</pre>", thing._repr_html_(), re.DOTALL)
    assert found
    assert "<" not in found[1]
    return unescape(found[1])


def test_a_run_says_what_it_is_and_how_far(run):
    lines = shown(run).splitlines()
    assert lines[0] == f"{run.path}: finished"
    assert [line.split()[0] for line in lines[1:]] == ["model", "data", "trained", "chosen", "test"]
    assert "2 epochs in 3.0 s, all epochs done" in lines[3]
    assert lines[4].endswith("stage 1, epoch 2, train accuracy 0.5000")
    assert lines[5].endswith("sealed")


def test_a_broken_run_says_what_cannot_be_read(tmp_path):
    broken = make_run(tmp_path, "broken", status=None)
    (broken.path / "split.json").write_text("{")
    text = shown(broken)
    assert f"cannot be read ({broken.path}/split.json: missing or damaged" in text
    assert "2 epochs so far" in text


def test_images_are_counted_and_names_are_literal():
    images = np.zeros((3, 4, 5, 1), dtype=np.uint8)
    names = ("<script>", "b")
    parts = {"train": 2, "test": 1}
    data = Dataset("d", images, np.array([0, 1, 0]), names, parts, "0" * 64)
    assert shown(data).splitlines() == [
        "d: 3 images (2 train, 1 test)",
        "  4x5 pixels, grey",
        "  2 classes: <script>, b",
        "  fingerprint 000000000000",
    ]


def test_a_configuration_is_its_file():
    assert parse_yaml(shown(RunConfig()), where="shown") == RunConfig().to_dict()


def test_networks_are_tables_and_bundles_say_what_they_take(run):
    assert shown(run.architecture()) == run.architecture().summary().to_text()
    assert "a network for 8x8x3 images\n  2 classes: cat, dog\n  on cpu" in shown(bundle_of(run))


def test_an_evaluation_draws_its_confusion_matrix(run):
    found = evaluation_of(run, "validation")
    picture = found.matrix_figure()._repr_svg_()
    assert "<svg" in picture
    assert picture == found.matrix_figure().svg().decode()


def test_every_returned_object_shows_itself():
    from site_reference.python_api import returned_classes

    plain = [found.__name__ for found in returned_classes() if not hasattr(found, "_repr_html_")]
    assert plain == []
