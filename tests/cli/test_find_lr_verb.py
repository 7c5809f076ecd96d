"""``cnnlab find-lr`` as a user types it."""

from pathlib import Path

import pytest


@pytest.fixture
def find_lr(cnnlab, images, tiny_model):
    """Call it on the small images with few steps."""

    def call(*arguments):
        base = ["--model", tiny_model, "--data", images, "--batch-size", 16, "--optimizer", "adam"]
        return cnnlab("find-lr", *base, "--steps", 30, *arguments)

    return call


def test_it_prints_a_table_and_the_option_to_copy(find_lr, cnnlab, images, tiny_model):
    outcome = find_lr()
    assert outcome.code == 0, outcome.err
    *table, last = outcome.out.splitlines()
    assert any(line.startswith("foot") for line in table)
    assert last.startswith("suggestion: --lr ")
    assert not Path("runs").exists()
    options = last.removeprefix("suggestion: ").split()
    done = cnnlab("train", "--model", tiny_model, "--data", images, "--epochs", 1, *options)
    assert done.code == 0, done.err


def test_json_has_everything_and_is_the_same_each_time(find_lr):
    first, second = find_lr("--json"), find_lr("--json")
    assert first.out == second.out
    said = first.json
    assert {"suggestion", "rule", "rates", "losses", "others", "options", "notes"} <= set(said)
    assert said["rule"] == "foot"
    assert said["options"] == f"--lr {said['suggestion']:g}"
    raw, smoothed = said["losses"]["raw"], said["losses"]["smoothed"]
    assert len(said["rates"]) == len(raw) == len(smoothed) <= 30
    assert find_lr("--json", "--seed", 1).json["losses"]["raw"] != raw


def test_bounds_are_those_that_were_asked_for(find_lr):
    rates = find_lr("--json", "--from", "1e-4", "--to", "0.1").json["rates"]
    assert (rates[0], rates[-1]) == (pytest.approx(1e-4), pytest.approx(0.1))


@pytest.mark.parametrize(("name", "head"), [("a.svg", b"<?xml"), ("in/a.png", b"\x89PNG")])
def test_out_draws_it(find_lr, name, head):
    outcome = find_lr("--out", name, "--json")
    assert outcome.json["picture"] == name
    assert Path(name).read_bytes().startswith(head)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stpes", "5"], "--steps"),
        (["--steps", "few"], "valid integer"),
        (["--steps", "3"], "--steps: the value is 3; expected a whole number from 10"),
        (["--from", "1", "--to", "0.1"], "--to: the highest rate, 0.1, is not above the lowest, 1"),
        (["--optimizer", "adamm"], "did you mean 'adam'"),
        (["--batch-size", "0"], "--batch-size: the value is '0'"),
        (["--set", "training.epocs=3"], "did you mean 'epochs'"),
        (["--init", "nothing"], "no such run"),
        (["--out", "a.pdf"], "expected a name that ends in .svg or .png"),
    ],
)
def test_a_wrong_value_is_one_line_with_what_is_allowed(find_lr, arguments, said):
    outcome = find_lr(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err


def test_a_loss_that_diverges_at_once_is_said_and_the_curve_is_drawn(find_lr):
    outcome = find_lr("--optimizer", "sgd", "--from", "100", "--to", "1000", "--json",
                      "--out", "a.svg")  # fmt: skip
    assert outcome.code == 3
    assert outcome.json["suggestion"] is None
    assert "no suggestion" in outcome.err.splitlines()[-1]
    assert Path("a.svg").exists()
