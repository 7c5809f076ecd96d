"""Going on with a run on another machine, or with other versions."""

import json

import pytest
from stopping import content, kill_at

from cnnlab.errors import Interrupted, RunError
from cnnlab.reports import write_report
from cnnlab.runs import open_run
from cnnlab.training.conditions import changed_conditions
from cnnlab.training.loop import resume
from cnnlab.workflows.run_card import card_of
from cnnlab.workflows.train import resume_and_evaluate

HERE = {
    "machine": "x86_64",
    "processor": "P",
    "vector_instructions": "AVX2",
    "cores": 2,
    "versions": {"cnnlab": "1", "torch": "2.13.0", "pillow": "12"},
}


@pytest.fixture
def cut(fit, tmp_path):
    """A run that was stopped after five steps, and another's whole one."""
    with pytest.raises(Interrupted):
        fit(kill_at(5), name="cut")
    return open_run(tmp_path / "runs" / "cut")


def written_elsewhere(run, **facts):
    """Let the run's records say that it began on another machine."""
    file = run.path / "environment.json"
    content = json.loads(file.read_text())
    content["versions"]["torch"] = "1.0"
    file.write_text(json.dumps({**content, **facts}))


def test_only_what_decides_about_weights_counts():
    elsewhere = {**HERE, "cores": 64, "versions": {**HERE["versions"], "pillow": "11"}}
    assert changed_conditions(elsewhere, HERE) == []
    elsewhere = {**HERE, "processor": "Q", "versions": {**HERE["versions"], "torch": "2.12.1"}}
    assert changed_conditions(elsewhere, HERE) == [
        "processor P (was Q)",
        "torch 2.13.0 (was 2.12.1)",
    ]
    with_gpu = {**HERE, "accelerator": "G"}
    assert changed_conditions(with_gpu, HERE) == ["accelerator none (was G)"]


def test_case_16_another_machine_is_refused_and_says_what_differs(cut):
    written_elsewhere(cut, processor="an abacus")
    before = content(cut)
    with pytest.raises(RunError) as caught:
        resume(cut)
    said = str(caught.value)
    assert said.startswith(f"{cut.path}: it would not go on exactly: processor ")
    assert "(was an abacus), torch " in said
    assert said.endswith(
        f"(was 1.0); go on where it began, or: cnnlab train --resume {cut.path} --inexact, "
        "which the run and its report will say"
    )
    assert content(cut) == before
    assert cut.status == "unfinished"


def test_an_inexact_run_says_so_everywhere(cut, tmp_path):
    written_elsewhere(cut)
    said = []
    trained = resume_and_evaluate(cut, said.append, inexact=True)
    assert trained.run.status == "finished"
    assert any("going on inexactly: torch " in getattr(event, "text", "") for event in said)
    (line,) = cut.inexact
    assert line["changed"][0].endswith("(was 1.0)")
    assert "inexact" in card_of(cut).to_text()
    files = write_report([cut], tmp_path / "report")
    text = next(file for file in files if file.suffix == ".md").read_text()
    assert f"After step {line['after_step']} it went on under other conditions: torch " in text


def test_a_training_that_cannot_go_on_has_not_gone_on_inexactly(cut, monkeypatch):
    written_elsewhere(cut)

    def gone(*_):
        raise RunError("the images are gone")

    monkeypatch.setattr("cnnlab.training.loop.prepare_resumed_run", gone)
    with pytest.raises(RunError, match="the images are gone"):
        resume(cut, inexact=True)
    assert cut.inexact == []


def test_the_same_machine_needs_no_word(cut):
    resume(cut)
    assert cut.inexact == []
    assert "inexact" not in card_of(cut).to_text()


def test_a_run_that_has_ended_is_not_asked(fit):
    run = fit()
    written_elsewhere(run)
    assert resume(run).status == "finished"
