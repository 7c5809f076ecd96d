"""The race in miniature: all three sides train, are recorded once, and are reported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import time_to_accuracy
from harness.records import read_records
from race.conditions import Conditions
from race.contenders import Recipe
from race.options import options, portable_command
from race.recipes import configured
from small_airbench import stripes

import cnnlab
from cnnlab.errors import CheckFailed

pytestmark = pytest.mark.long

_CHANCE = 1 / 3


def _command(files: Path) -> list[str]:
    return [
        f"--data={files / 'stripes.npz'}",
        f"--recipes={files / 'small.yaml'}",
        "--set=data.validation=10",
        "--set=data.test=null",
        f"--airbench={files / 'script.py'}",
        "--airbench-settings",
        "epochs=8",
        f"--keras-model={files / 'model.yaml'}",
        "--keras-epochs=2",
        "--backend=torch",
        "--threads=1",
        f"--out={files / 'out'}",
    ]


@pytest.mark.usefixtures("workers_here")
def test_all_sides_train_once_and_the_report_is_written(
    files: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command, target = [*_command(files), "--seeds=1"], files / "docs" / "race.md"
    path = files / "out" / "time_to_accuracy.jsonl"
    assert time_to_accuracy.main([*command, "--keras-epochs=0"]) == 0
    first = path.read_bytes()
    path.write_bytes(first[:-100])  # cut off while it was written
    assert time_to_accuracy.main(command) == 0
    assert path.read_bytes().startswith(first[: first.rindex(b'{"name"')])
    assert time_to_accuracy.main([f"--out={files / 'out'}", f"--report={target}"]) == 0

    said = capfd.readouterr()
    assert said.err == ""
    assert "2 trainings to do, 0 recorded" in said.out
    assert "2 trainings to do, 1 recorded" in said.out
    ours, airbench, keras = records = read_records(path)
    assert [record["side"] for record in records] == ["cnnlab", "airbench", "keras-torch"]
    assert [record["trained_on"] for record in records] == [110, 120, 120]
    for record in records:
        assert (record["n_test"], record["seed"], record["threads"]) == (60, 0, 1)
        assert record["test_rows"] == ours["test_rows"]
        assert record["data"] == "stripes.npz"
        assert str(files) not in record["command"]
        assert 0 < record["seconds"] < 100
        assert round(60 * record["accuracy"]) == pytest.approx(60 * record["accuracy"], abs=1e-4)
    for record in (ours, airbench):
        assert record["accuracy"] > _CHANCE + 0.1
    assert airbench["accuracy_tta"] == airbench["accuracy"] / 2
    assert [point["epoch"] for point in keras["curve"]] == [1, 2]
    assert 0 < keras["curve"][0]["seconds"] < keras["curve"][1]["seconds"] == keras["seconds"]
    _check_own(ours, files)
    text = target.read_text(encoding="utf-8")
    for record in records:
        assert f"| {100 * record['accuracy']:.2f}% | {100 * record['accuracy']:.2f} |" in text
    assert (target.parent / "figures" / "time-to-accuracy-stripes.svg").exists()


def _check_own(record: dict[str, Any], files: Path) -> None:
    """The run behind a record: one view of an image; and both, of the same weights."""
    [run] = (cnnlab.open_run(path.parent) for path in files.glob("out/runs/*/*/config.yaml"))
    assert record["config"] == run.typed_config().to_dict()
    assert (run.config["mirror"], run.config["seed"], run.config["threads"]) == (False, 0, 1)
    shown = run.predictions("test")
    assert shown is not None
    truth = stripes()["test_labels"]
    assert record["accuracy"] == pytest.approx((shown.logits.argmax(1) == truth).mean())
    # A stripe lies in the same rows of a mirror image, which only has other noise.
    assert abs(record["accuracy_tta"] - record["accuracy"]) < 0.2
    assert 0 < record["own_seconds"] < record["seconds"]
    assert record["validation_seconds"] > 0


def _asked(files: Path, *more: str) -> Any:
    return options(None).parse_args([*_command(files), *more])


def test_all_sides_of_a_seed_come_before_the_next_seed(files: Path) -> None:
    asked = _asked(files, "--airbench-settings", "epochs=1", "epochs=2", "--seeds=2")
    found = [(seed, c.side, c.label) for seed, c in time_to_accuracy.rounds_of(asked)]
    own = "small, data.validation=10, data.test=null"
    several = [("cnnlab", own), ("airbench", "epochs=1"), ("airbench", "epochs=2")]
    assert found == [
        *((0, *each) for each in several),
        (0, "keras-torch", "model"),
        *((1, *each) for each in several),
    ]


@dataclass(frozen=True)
class Ended:
    """A worker that has ended already, with this answer."""

    answer: dict[str, Any]

    @property
    def process(self) -> Ended:
        return self

    def poll(self) -> int:
        return 0

    def result(self) -> dict[str, Any]:
        return self.answer


@pytest.mark.parametrize("same", [True, False])
def test_who_is_judged_on_other_images_is_found_out(
    same: bool, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(seed, contender)] = time_to_accuracy.rounds_of(_asked(files, "--seeds=1"))[:1]
    rows = contender.conditions.test_rows if same else "others"
    answer = Ended({"test_rows": rows, "seconds": 2.5, "accuracy": 0.75})
    monkeypatch.setattr(Recipe, "begin", lambda *_: answer)
    race = time_to_accuracy.Race(contender.conditions, "command")
    path = files / "out" / "time_to_accuracy.jsonl"
    path.parent.mkdir()
    if same:
        race.run([(seed, contender)])
        assert [record["seconds"] for record in read_records(path)] == [2.5]
    else:
        with pytest.raises(CheckFailed, match="judged on other test images"):
            race.run([(seed, contender)])
        assert not path.exists()


def test_a_recipe_is_raced_as_it_is(files: Path) -> None:
    asked = {"file": str(files / "small.yaml"), "recipe": "", "seed": 3, "threads": 2}
    plain = cnnlab.configure(file=files / "small.yaml")
    job = {**asked, "data": "shapes", "train": None, "overrides": []}
    config, mirrored = configured(job)
    assert mirrored
    same = plain.updated(seed=3, threads=2, mirror=False, data={"source": "shapes"}).to_dict()
    assert config.to_dict() == {**same, "data": {**same["data"], **config.data.options()}}
    named, _ = configured({**job, "file": None, "recipe": "cifar10-quick"})
    assert (named.model.params["widths"], named.data.source) == ([24, 64, 192], "shapes")


def test_other_settings_are_another_training(files: Path) -> None:
    def names(*more: str) -> set[str]:
        rounds = time_to_accuracy.rounds_of(_asked(files, "--seeds=1", *more))
        return {contender.name(seed) for seed, contender in rounds}

    first = names()
    assert names() == first
    assert len(names("--set=optimizer.lr=0.5") & first) == 2  # airbench and Keras stay
    assert len(names("--keras-epochs=3") & first) == 2
    assert len(names("--airbench-settings", "epochs=9") & first) == 2
    assert not names("--threads=2") & first
    assert not names("--first-seed=1") & first


def test_peers_get_the_images_in_the_drawn_order(files: Path) -> None:
    conditions = Conditions(str(files / "stripes.npz"), 1, 50, files)
    with np.load(conditions.arrays()) as arrays:
        assert arrays["train_images"].shape == (50, 32, 32, 3)
        whole = stripes()
        np.testing.assert_array_equal(arrays["test_images"], whole["test_images"])
        rows = conditions.split.train
        assert list(rows) != sorted(rows)
        np.testing.assert_array_equal(arrays["train_images"], whole["train_images"][rows])
        np.testing.assert_array_equal(arrays["train_labels"], whole["train_labels"][rows])


def test_the_command_names_no_folder_of_this_machine(files: Path) -> None:
    asked = _asked(files, "--train=50", f"--keras-python={files / 'python'}")
    line = portable_command(asked)
    assert str(files) not in line
    again = options(None).parse_args(line.split("time_to_accuracy.py ")[1].split())
    kept = {"train", "seeds", "first_seed", "threads", "set", "airbench_settings", "keras_epochs"}
    assert {key: getattr(again, key) for key in kept} == {key: getattr(asked, key) for key in kept}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--data=": "digits"}, "images of 32x32x1 are not for airbench"),
        ({"--airbench=": "nowhere.py"}, "nowhere.py: cannot be read"),
        ({"--recipes=": "blik"}, "no recipe is called 'blik'"),
    ],
)
def test_errors_are_one_line(
    change: dict[str, str], said: str, files: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    [(start, value)] = change.items()
    command = [start + value if part.startswith(start) else part for part in _command(files)]
    assert time_to_accuracy.main([*command, "--seeds=1"]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
