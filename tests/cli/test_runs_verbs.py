"""``cnnlab runs``: what is said, what is asked, what goes and what still works afterwards."""

import io
import sys

import pytest

from cnnlab.files import exclusive_lock


class Terminal(io.StringIO):
    """Standard input of somebody who sits there and types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def answer(monkeypatch):
    """Let a person answer questions with a line."""
    return lambda line: monkeypatch.setattr(sys, "stdin", Terminal(line))


def test_list_and_show_as_text_and_json(cnnlab, trained):
    (line,) = cnnlab("runs", "list", "--json").json["runs"]
    assert (line["run"], line["status"], line["epochs"]) == ("first", "finished", 8)
    assert line["size_bytes"] > 10_000
    assert cnnlab("runs", "list", "--sort", "size", "--reverse").code == 0
    assert cnnlab("runs", "list", "--sort", "sise").code == 2

    shown = cnnlab("runs", "show", "first", "--json").json
    assert shown["data"]["split"] == {"train": 80, "validation": 20, "test": 20}
    evaluated = cnnlab("evaluate", "first", "--json").json
    assert shown["validation"]["top1"] == evaluated["top1"]
    assert shown["validation"]["top1_interval"] == evaluated["top1_interval"]
    assert shown["changed_settings"]["optimizer.lr"] == {"value": 0.01, "default": 0.001}
    text = cnnlab("runs", "show", "first").out
    assert "stripes" in text
    assert "cnnlab report runs/first" in text
    assert cnnlab("runs", "show", "frist").code == 2


def test_the_test_openings_are_counted(cnnlab, trained):
    cnnlab("evaluate", "first", "--split", "test")
    assert cnnlab("runs", "list", "--json").json["runs"][0]["test_openings"] == 1
    shown = cnnlab("runs", "show", "first", "--json").json
    assert shown["ledger"][0]["split"] == "test"
    assert shown["test"]["top1"] == shown["ledger"][0]["top1"]
    assert "test was opened 1 time" in cnnlab("runs", "show", "first").out


def test_rm_without_a_terminal_needs_yes(cnnlab, trained):
    outcome = cnnlab("runs", "rm", "first")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "cnnlab: runs rm: nobody can be asked whether to remove runs/first; add --yes\n"
    )
    assert trained.exists()


@pytest.mark.parametrize(("line", "goes"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_rm_asks_and_does_nothing_but_for_a_yes(cnnlab, trained, answer, line, goes):
    answer(line)
    outcome = cnnlab("runs", "rm", "first", "--json")
    assert outcome.code == 0
    assert [run["run"] for run in outcome.json["removed"]] == (["first"] if goes else [])
    assert "runs/first, " in outcome.err
    assert "[y/N]" in outcome.err
    assert trained.exists() is not goes


def test_rm_that_gets_no_answer_is_interrupted(cnnlab, trained, answer):
    answer("")
    assert cnnlab("runs", "rm", "first").code == 130
    assert trained.exists()


def test_rm_says_what_it_freed(cnnlab, trained):
    size = cnnlab("runs", "list", "--json").json["runs"][0]["size_bytes"]
    removed = cnnlab("runs", "rm", "first", "--yes", "--json").json
    assert removed["freed_bytes"] == size
    assert cnnlab("runs", "list").out == "no runs in runs\n"


@pytest.mark.parametrize("name", [".", "runs", "..", "nothing"])
def test_rm_refuses_what_is_no_run(cnnlab, trained, name):
    outcome = cnnlab("runs", "rm", "--yes", "first", name)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert trained.exists()


def test_rm_and_thin_refuse_a_run_that_is_trained(cnnlab, trained):
    with exclusive_lock(trained / ".lock"):
        for verb in (["rm", "--yes"], ["thin"]):
            outcome = cnnlab("runs", *verb, "first")
            assert outcome.code == 2
            assert outcome.err.startswith("cnnlab: runs/first: it is in use; stop its training")
        passed_over = cnnlab("runs", "thin", "--all", "--json")
    assert passed_over.code == 0
    assert passed_over.json["freed_bytes"] == 0
    assert len(list(trained.glob("checkpoints/last-*"))) > 0


def test_thin_takes_names_or_all(cnnlab, trained):
    for arguments in ([], ["first", "--all"]):
        outcome = cnnlab("runs", "thin", *arguments)
        assert (outcome.code, outcome.err) == (
            2,
            "cnnlab: runs thin: which runs?; expected names, or --all\n",
        )


def test_a_thinned_run_evaluates_reports_and_has_nothing_to_resume(cnnlab, trained):
    before = cnnlab("evaluate", "first", "--json").json
    would = cnnlab("runs", "thin", "first", "--dry-run", "--json").json
    thinned = cnnlab("runs", "thin", "--all", "--json").json
    assert thinned["freed_bytes"] == would["freed_bytes"] > 0
    assert (would["dry_run"], thinned["dry_run"]) == (True, False)
    assert [path.name for path in trained.glob("checkpoints/*.safetensors")] == ["best.safetensors"]
    assert cnnlab("evaluate", "first", "--json").json == before
    assert cnnlab("report", "first").code == 0
    resumed = cnnlab("train", "--resume", "first")
    assert resumed.code == 0
    assert "nothing to do" in resumed.err
    assert "0 B freed" in cnnlab("runs", "thin", "first").out
