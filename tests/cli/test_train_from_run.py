"""``cnnlab train --init``: what a user types, sees, and is told."""

import json

import pytest
from small import write_images

from cnnlab.runs import open_run


@pytest.fixture
def pets(tmp_path):
    folder = write_images(tmp_path / "pets", classes=2, each=20, seed=5)
    (folder / "class 0").rename(folder / "zebra")
    return folder


def test_a_training_starts_from_a_run_by_its_name(cnnlab, trained, pets):
    outcome = cnnlab("train", "--init", "first", "--data", pets, "--freeze", "features",
                     "--epochs", 2, "--name", "second", "--json")  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert outcome.json["epochs"] == 2
    assert "the rows of class 1 taken by name, those of zebra drawn anew" in outcome.err
    assert "frozen up to flatten: 578 of 818 parameters are trained" in outcome.err
    second = open_run(outcome.json["run"])
    assert second.config["init"]["run"] == str(trained.resolve())
    assert json.loads((second.path / "init.json").read_text())["seen"] == {
        "validation": 0,
        "test": 0,
    }
    for verb in (("evaluate", "second"), ("compare", "first", "second"), ("report", "second")):
        assert cnnlab(*verb).code == 0
    assert "Starts from" in (second.path / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--init", "firs"), "firs: no such run; did you mean 'first'?"),
        (("--freeze", "features"), "--freeze: there is no run to start from; name one with --init"),
        (("--init", "first", "--freeze", "feature"), "did you mean 'features'?"),
        (("--init", "first", "--model", "model-f"), "model-f does not fit the run"),
        (("--init", "first", "--resume", "first"), "--resume goes on with the run's own"),
    ],
)
def test_case_28_what_cannot_be_is_one_line(cnnlab, trained, pets, arguments, said):
    outcome = cnnlab("train", "--data", pets, *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert [path.name for path in trained.parent.iterdir()] == ["first"]
