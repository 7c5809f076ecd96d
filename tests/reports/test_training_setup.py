"""What the set-up says of a run that started from another."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cnnlab.reports.document import Document, Paragraph
from cnnlab.reports.markdown import render_markdown
from cnnlab.reports.record import records_of
from cnnlab.reports.sections.training_setup import training_setup
from cnnlab.runs import Run

RECORD: dict[str, Any] = {
    "run": "/runs/base",
    "weights_sha256": "0123456789abcdef" * 4,
    "tensors_taken": 22,
    "head": {
        "layers": ["dense", "rescaling"],
        "taken_whole": False,
        "classes_taken": ["cat", "dog"],
        "classes_drawn": ["lion\nfish", "b", "c", "d", "e", "f", "g"],
        "asked": "match",
    },
    "frozen": ["conv2d", "flatten"],
    "params": 12345,
    "trained_params": 678,
    "seen": {"validation": 3, "test": 0},
}


@pytest.fixture
def started(make_run: Callable[..., Run]) -> Callable[..., Run]:
    def make(name: str, **changes: Any) -> Run:
        run = make_run(name)
        (run.path / "init.json").write_text(json.dumps({**RECORD, **changes}))
        return run

    return make


def first_text(*runs: Run) -> str:
    (first, *_) = training_setup(records_of(runs))
    return first.text if isinstance(first, Paragraph) else ""


def test_a_run_that_started_from_another_says_what_it_took(started: Callable[..., Run]) -> None:
    text = first_text(started("tuned"))
    assert "Starts from /runs/base (weights 0123456789ab): 22 tensors taken as they are" in text
    assert "of the head (dense) the rows of cat and dog taken by name, those of lion" in text
    assert "\n" not in text
    assert "b, c, d, e and 2 more drawn anew." in text
    assert "Frozen up to flatten: 678 of 12,345 parameters are trained" in text
    assert "3 validation images are exact copies of images that base was trained with" in text
    assert "test images" not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frozen": []}, "Nothing is frozen: all 12,345 parameters are trained"),
        ({"seen": "gone"}, "base was trained with validation or test images (gone)."),
        ({"head": {**RECORD["head"], "taken_whole": True}}, "for the classes are the same"),
        ({"head": {**RECORD["head"], "asked": "new"}}, "drawn anew, as asked"),
        ({"head": {**RECORD["head"], "classes_taken": []}}, "its classes are not those of base"),
    ],
)
def test_every_kind_of_start_has_its_words(
    started: Callable[..., Run], changes: dict[str, Any], said: str
) -> None:
    assert said in first_text(started("tuned", **changes))


def test_of_several_runs_each_is_named(
    started: Callable[..., Run], make_run: Callable[..., Run]
) -> None:
    assert first_text(make_run("plain"), started("tuned")).startswith("tuned: Starts from")
    assert first_text(make_run("plain")) == ""


def setup_of(*runs: Run) -> str:
    document = Document("", "", tuple(training_setup(records_of(runs))), footer="")
    return render_markdown(document)


def choose(run: Run, kind: str, name: str, reason: str) -> None:
    environment = json.loads((run.path / "environment.json").read_text())
    environment["choices"][kind] = {"name": name, "reason": reason}
    (run.path / "environment.json").write_text(json.dumps(environment))


def test_it_says_whether_and_why_the_network_was_compiled(make_run: Callable[..., Run]) -> None:
    older, newer = make_run("older"), make_run("newer")
    choose(newer, "compile", "on", "a GPU")
    assert "| compile | on (a GPU) |" in setup_of(newer)
    assert "| precision | fp32 (this processor does not compute in bf16) |" in setup_of(older)
    assert "| compile | on" not in setup_of(older)


def test_a_machine_that_is_told_what_another_run_chose_is_no_other_machine(
    make_run: Callable[..., Run],
) -> None:
    first, second = make_run("first"), make_run("second")
    choose(second, "precision", "fp32", "asked for")
    told = setup_of(first, second)
    assert told.count("| Machine | Value |") == 1
    assert "| precision | fp32 (this processor does not compute in bf16) |" in told
    choose(second, "precision", "bf16", "asked for")
    assert setup_of(first, second).count("| Machine | Value |") == 2


def test_runs_of_one_machine_need_not_be_made_at_one_time(make_run: Callable[..., Run]) -> None:
    runs = [make_run("first"), make_run("second")]
    for hour, run in enumerate(runs):
        environment = run.environment | {"created": f"2024-05-02T0{hour}:00:00+00:00"}
        (run.path / "environment.json").write_text(json.dumps(environment))
    assert setup_of(*runs).count("| Machine | Value |") == 1
