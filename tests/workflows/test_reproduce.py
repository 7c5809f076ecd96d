"""The reproduction, from the first training to the document, on a few digits."""

from __future__ import annotations

import json

import pytest

from cnnlab.errors import DivergedError, Interrupted, RunError
from cnnlab.models import report_figures
from cnnlab.training.events import EpochDone, Notice
from cnnlab.workflows import continued as workflow
from cnnlab.workflows.reproduce import reproduce

SMALL = {
    "scale": 0.002,
    "data": "digits",
    "fashion": "digits",
    "overrides": ("training.epochs=1", "threads=1"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("reproduction") / "runs"


@pytest.fixture(scope="module")
def said():
    return []


@pytest.fixture(scope="module")
def done(runs, said):
    """Models A, twice, and F: stopped before F the first time, all of it the second."""

    def interrupt(event):
        if isinstance(event, Notice) and event.text.startswith("model F"):
            raise Interrupted("stopped by the test")

    with pytest.raises(Interrupted):
        reproduce(["a", "a@8", "f"], **SMALL, runs=runs, watch=interrupt)
    assert "model F: not trained yet" in _document(runs)
    typed = ["cnnlab", "reproduce", "x y"]
    return reproduce(["a", "a@8", "f"], **SMALL, runs=runs, command=typed, watch=said.append)


def _document(runs):
    return (runs / "reproduction-x0.002/report.md").read_text(encoding="utf-8")


def test_what_is_finished_is_left_as_it_is(done, said):
    notices = [event.text for event in said if isinstance(event, Notice)]
    assert sum(isinstance(event, EpochDone) for event in said) == 1  # that of model F
    assert sum("nothing to do" in text for text in notices) == 2


def test_the_record_has_report_and_measurement_side_by_side(done):
    record = json.loads(json.dumps(done.to_dict(), allow_nan=False))
    by_title = {entry["title"]: entry for entry in record["models"]}
    assert list(by_title) == ["Model A", "Model A, batches of 8", "Model F"]
    figures = report_figures()["models"]["model-f"]
    f = by_title["Model F"]
    assert f["report"]["training"] == figures["train_accuracy"] == 0.9138
    assert f["report"]["validation"] == pytest.approx(0.7876)
    predictions = done.runs[-1].predictions("validation")
    right = float((predictions.classes == predictions.labels).mean())
    assert f["measured"]["validation"] == pytest.approx(right)
    assert f["measured"]["n"] == 20
    assert "train images: 80; the report: 40,000" in f["differs_in"]
    assert by_title["Model A, batches of 8"]["batch_size"] == 8
    assert record["failed"] == []
    assert "Model F" in done.to_text()


def test_test_is_opened_once_and_for_f_alone(done, runs):
    again = reproduce(["f"], **SMALL, runs=runs, out=runs / "again")
    assert [len(run.ledger) for run in done.runs] == [0, 0, 1]
    assert again.runs[0].ledger[0]["command"] == "cnnlab reproduce"


def test_the_document_says_what_was_asked_for(done, runs):
    text = _document(runs)
    for heading in ("Model A", "Model A, batches of 8", "Model F", "Test", "Conclusions"):
        assert heading in text
    assert "cnnlab reproduce 'x y'" in text
    assert "not trained yet" not in text
    assert (runs / "reproduction-x0.002/report.html").stat().st_size > 50_000


def test_a_run_of_another_experiment_is_refused_before_anything_is_trained(done, runs):
    other = {**SMALL, "overrides": ("training.epochs=2", "threads=1")}
    with pytest.raises(RunError, match=r"reproduce-a-x0.002.*training.epochs differ"):
        reproduce(["b", "a"], **other, runs=runs)
    assert not (runs / "reproduce-b-x0.002").exists()


def test_a_model_that_diverges_is_noted_and_the_others_go_on(tmp_path, monkeypatch):
    train = workflow.train_and_evaluate

    def diverging(config, runs, watch, **more):
        trained = train(config, runs, watch, **more)
        if config.model.name == "model-c":
            raise DivergedError("the loss is nan", where="epoch 1")
        return trained

    monkeypatch.setattr(workflow, "train_and_evaluate", diverging)
    done = reproduce(["c", "f"], **SMALL, runs=tmp_path)
    assert len(done.runs) == 2
    assert done.failed == ["model C: epoch 1: the loss is nan"]
    text = done.files[1].read_text(encoding="utf-8")
    assert "Not all is here yet: model C: epoch 1: the loss is nan" in text
