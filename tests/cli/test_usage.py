"""Help, wrong options and wrong values: one line each."""

import pytest
import typer

from cnnlab.cli.main import app
from cnnlab.errors import Interrupted
from cnnlab.workflows import dataset_card


def verbs():
    from typer.main import get_command

    found = []
    for name, command in get_command(app).commands.items():
        inner = getattr(command, "commands", None)
        found += [(name, deeper) for deeper in inner] if inner else [(name,)]
    return sorted(found)


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_every_verb_explains_itself_and_offers_json(cnnlab, verb):
    outcome = cnnlab(*verb, "--help")
    assert outcome.code == 0
    assert "Usage: " in outcome.out
    assert "--json" in outcome.out


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_case_28_a_mistyped_option_of_every_verb_is_one_line(cnnlab, verb):
    outcome = cnnlab(*verb, "--jsn")
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert "--json" in outcome.err


def test_no_verb_prints_the_help(cnnlab):
    outcome = cnnlab()
    assert "quickstart" in outcome.out + outcome.err


def test_the_help_lists_every_verb_once_under_a_heading(cnnlab):
    lines = cnnlab("--help").out.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line.strip()]
    known = {name for name, *_ in verbs()}
    assert sorted(name for name in listed if name in known) == sorted(known)
    assert [line for line in lines if line.endswith(":")][:3] == [
        "Options:",
        "Begin:",
        "Look into images and models:",
    ]
    assert lines.index("Train:") < next(n for n, line in enumerate(lines) if "  train " in line)


def test_version(cnnlab):
    from importlib.metadata import version

    assert cnnlab("--version").out == f"cnnlab {version('cnnlab')}\n"


def test_case_28_a_mistyped_verb_gets_a_suggestion(cnnlab):
    outcome = cnnlab("trian")
    assert (outcome.code, outcome.out) == (2, "")
    assert "train" in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--epochs", "0", "a whole number, at least 1"),
        ("--epochs", "-1", "a whole number, at least 1"),
        ("--epochs", "nan", "a whole number, at least 1"),
        ("--epochs", "1.5", "a whole number, at least 1"),
        ("--lr", "inf", "more than 0"),
        ("--lr", "nan", "more than 0"),
        ("--batch-size", "0", "at least 1"),
        ("--seed", "-3", "at least 0"),
        ("--time-limit", "0", "above 0"),
        ("--device", "gpu", "one of auto, cpu, cuda, mps"),
        ("--optimizer", "adamm", "did you mean 'adam'"),
        ("--model", "modelf", "did you mean 'model-f'"),
        ("--recipe", "nothing", "no recipe is called"),
        ("--recipe", "mine.yaml", "a file is named by --config"),
        ("--set", "training.epocs=3", "did you mean 'epochs'"),
        ("--set", "epochs", "expected key=value"),
        ("--name", "../up", "letters, digits"),
    ],
)
def test_case_28_a_wrong_value_is_one_line_with_what_is_allowed(
    cnnlab, images, tiny_model, option, value, said, tmp_path
):
    base = ["train", "--data", images] + ([] if option == "--model" else ["--model", tiny_model])
    outcome = cnnlab(*base, option, value)
    assert (outcome.code, outcome.out) == (2, "")
    error = outcome.err.splitlines()[-1]
    assert error.startswith("cnnlab: ")
    assert said in error
    assert not (tmp_path / "runs").exists()


def test_a_choice_that_is_none_is_said_in_plain_words(cnnlab):
    outcome = cnnlab("evaluate", "first", "--split", "tset")
    said = "Invalid value for '--split': 'tset' is not one of 'validation', 'test'."
    assert (outcome.code, outcome.err) == (2, f"cnnlab: {said}\n")


def test_case_20_cuda_without_one_is_an_error(cnnlab, images, tiny_model):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    outcome = cnnlab("train", "--data", images, "--model", tiny_model, "--device", "cuda")
    assert outcome.code == 2
    assert "torch finds no cuda device here; use --device cpu" in outcome.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt(), "cnnlab: interrupted\n"),
        (Interrupted("interrupted; it is saved"), "cnnlab: interrupted; it is saved\n"),
        (typer.Exit(130), ""),  # of a rank, where the first one says it
    ],
)
def test_an_interrupted_verb_says_so_once(cnnlab, monkeypatch, error, said):
    def stop(*_, **__):
        raise error

    monkeypatch.setattr(dataset_card, "dataset_card", stop)
    outcome = cnnlab("data", "show", "digits")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", said)
