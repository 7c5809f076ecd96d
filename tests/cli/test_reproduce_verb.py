"""``cnnlab reproduce`` as a user types it."""

from pathlib import Path

import pytest

from cnnlab.errors import DivergedError
from cnnlab.workflows import continued as workflow

SMALL = ("--scale", 0.002, "--data", "digits", "--fashion", "digits")
SMALL += ("--set", "training.epochs=1", "--set", "threads=1")


def test_one_model_as_json_with_its_document(cnnlab):
    outcome = cnnlab("reproduce", "--models", "c", *SMALL, "--format", "html,pdf", "--json")
    assert outcome.code == 0
    (model,) = outcome.json["models"]
    assert model["run"] == "runs/reproduce-c-x0.002"
    assert model["report"]["inner_validation"] == 0.662
    assert 0 <= model["measured"]["validation"] <= 1
    assert Path(outcome.json["report"]) == Path("runs/reproduction-x0.002/report.html")
    page, pdf = map(Path, outcome.json["files"])
    assert (page.name, pdf.name) == ("report.html", "report.pdf")
    assert page.stat().st_size > 10_000
    assert pdf.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--models", "g"), "the report has no model 'g'"),
        (("--models", "a@x"), "'x' is no batch size"),
        (("--scale", 2), "a share of 2; expected more than 0, at most 1"),
        (("--scale", "much"), "--scale"),
        (("--format", "docx"), "no format 'docx'"),
        (("--data", "no-such-data", "--models", "c"), "no-such-data"),
        (("--data", "digits", "--models", "c"), "1,797 images are too few"),
    ],
)
def test_what_cannot_work_is_one_line_and_leaves_nothing(cnnlab, arguments, said):
    outcome = cnnlab("reproduce", "--fashion", "digits", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err.splitlines()[-1]
    assert not Path("runs").exists()


def test_exit_code_3_where_a_model_could_not_be_finished(cnnlab, monkeypatch):
    train = workflow.train_and_evaluate

    def diverging(config, runs, watch, **more):
        train(config, runs, watch, **more)
        raise DivergedError("the loss is nan", where="epoch 1")

    monkeypatch.setattr(workflow, "train_and_evaluate", diverging)
    outcome = cnnlab("reproduce", "--models", "c", *SMALL)
    assert outcome.code == 3
    assert "model C: epoch 1: the loss is nan" in outcome.out
    assert "document: " in outcome.out
