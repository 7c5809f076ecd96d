"""``cnnlab track`` and ``--track``: what is asked for, what is refused, what is remembered."""

import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from tensorboard_reader import read

PAGE = Path(__file__).parents[2] / "docs" / "tracking.md"


def test_runs_and_groups_are_sent(cnnlab, trained):
    for seed in range(2):
        copy = shutil.copytree(trained, trained.parent / f"again-seed{seed}")
        group = {"name": "again", "vary_split": False, "asked": {}}
        (copy / "group.json").write_text(json.dumps(group))
    outcome = cnnlab("track", "again", "first", "--to", "tensorboard", "--where", "logs", "--json")
    assert outcome.code == 0, outcome.err
    assert [entry["run"] for entry in outcome.json["sent"]] == [
        "runs/again-seed0",
        "runs/again-seed1",
        "runs/first",
    ]
    assert len({entry["id"] for entry in outcome.json["sent"]}) == 3
    for entry in outcome.json["sent"]:
        assert read(entry["place"]).steps["train/loss"] == list(range(1, entry["epochs"] + 1))
    short = shutil.copytree(trained, trained.parent / "short")
    first = (short / "metrics.jsonl").read_bytes().splitlines(keepends=True)[0]
    (short / "metrics.jsonl").write_bytes(first)
    assert ": 1 epoch in tensorboard" in cnnlab("track", "short", "--to", "tensorboard").out
    said = cnnlab("track", "first", "--to", "tensorboard")
    assert said.out == (
        "runs/first: 8 epochs in tensorboard, runs/first/tracking\n"
        "look at it: tensorboard --logdir runs\n"
    )


def test_what_cannot_be_sent_is_one_line(cnnlab, trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    for arguments, said in (
        (("--to", "tensorbord"), "did you mean 'tensorboard'?"),
        (("--to", "mlflow"), "pip install 'cnnlab[mlflow]'"),
        (("--to", "tensorboard="), "--to: names no place"),
        (("--to", "tensorboard", "--where", ""), "--where: names no place"),
        (
            ("--to", "tensorboard", "--where", "http://x"),
            "--where: tensorboard takes no address; expected a folder",
        ),
        (("--to", "tensorboard", "--to", "mlflow", "--where", "x"), "one place for two trackers"),
    ):
        outcome = cnnlab("track", "first", *arguments)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert said in outcome.err
    outcome = cnnlab("train", "--data", "digits", "--track", "mlflow")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "pip install 'cnnlab[mlflow]'" in outcome.err
    outcome = cnnlab("train", "--data", "digits", "--track", "tensorboard=http://x")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "--track: tensorboard takes no address; expected a folder" in outcome.err
    assert not Path("http:").exists()
    assert [run.name for run in Path("runs").iterdir()] == ["first"]


def test_seeds_are_followed_and_a_resumed_run_goes_on_where_it_was(cnnlab, images, tiny_model):
    asked = ("train", "--data", images, "--model", tiny_model, "--epochs", 2, "--name", "two")
    outcome = cnnlab(*asked, "--seeds", 2, "--track", "tensorboard=logs")
    assert outcome.code == 0, outcome.err
    places = [Path("logs", f"two-seed{seed}") for seed in range(2)]
    for place in places:
        assert read(place).steps["final/validation/top1"] == [2]
        assert f"tensorboard: {place.resolve()}; look at it" in outcome.err
    shutil.rmtree("logs")
    outcome = cnnlab("train", "--resume", "two-seed1")
    assert outcome.code == 0, outcome.err
    assert "nothing to do" in outcome.err
    assert [path.name for path in Path("logs").iterdir()] == ["two-seed1"]
    assert read(places[1]).steps["train/loss"] == [1, 2]


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_case_30_the_pages_commands_run_as_written(cnnlab, trained, mlflow_database):
    Path("runs/mlflow").mkdir()
    shutil.copy(mlflow_database, "runs/mlflow")
    before = mlflow_database.read_bytes()
    trained.rename(trained.with_name("f"))
    blocks = re.findall(r"^```\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if "cnnlab track" in line]
    assert len(commands) == 3
    for command in commands:
        outcome = cnnlab(*shlex.split(command)[1:])
        assert outcome.code == 0, outcome.err
    assert Path("runs/mlflow/mlflow.db").read_bytes() != before
    assert len(list(Path("runs/mlflow/artifacts").glob("*/artifacts/config.yaml"))) == 1
    assert Path("logs/f").is_dir()
