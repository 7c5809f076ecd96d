"""Whose images a training sees that starts from another run."""

import shutil
from pathlib import Path

import pytest
from small import write_images
from starting import settings_of

from cnnlab.errors import ConfigError
from cnnlab.training.events import Notice
from cnnlab.training.loop import train
from cnnlab.workflows.configure import configure


def test_without_data_the_runs_own_data_and_split_are_taken(base, tmp_path):
    config = configure(settings={"init": {"run": str(base.path)}, "training": {"epochs": 1}})
    run = train(config, tmp_path / "runs")
    for part in ("train", "validation", "test"):
        assert run.split[part] == base.split[part]
    assert run.start["seen"] == {"validation": 0, "test": 0}


def test_images_that_trained_the_run_do_not_choose_or_report(start, images, tmp_path):
    with pytest.raises(ConfigError, match=r"\d+ validation and \d+ test images of this split"):
        start(source=images, data={"split_seed": 1})
    assert not (tmp_path / "runs").exists()


def test_copies_of_images_that_trained_the_run_are_counted(start, base, images, tmp_path):
    names = sorted(images.glob("*/*.png"))
    rows = base.rows()
    for part, taken in (("train", rows.test), ("validation", rows.train[:5]),
                        ("test", [*rows.validation[:3], *rows.train[5:9]])):  # fmt: skip
        for row in taken:
            path = tmp_path / "copies" / part / names[row].relative_to(images)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(names[row], path)
    said = []
    run = start(lambda event: said.append(event), source=tmp_path / "copies")
    assert run.start["seen"] == {"validation": 5, "test": 7}
    lines = [event.text for event in said if isinstance(event, Notice)]
    assert any(line.startswith("5 validation images are exact copies") for line in lines)
    # The next in the line has the same ancestor.
    asked = {**settings_of(tmp_path / "copies", None, data={"split_seed": 0}), "name": "grandchild"}
    asked["init"] = {"run": str(run.path)}
    second = train(configure(settings=asked), tmp_path / "runs")
    assert second.start["seen"] == {"validation": 5, "test": 7}


def test_where_the_runs_images_are_gone_it_says_so(trained, pets, tmp_path):
    moved = write_images(tmp_path / "gone", each=8)
    model = trained.config["model"]
    config = configure(settings=settings_of(moved, model, name="one", training={"epochs": 1}))
    train(config, tmp_path / "runs")
    shutil.rmtree(moved)
    said = []
    asked = {**settings_of(pets, None, training={"epochs": 1}), "init": {"run": "one"}}
    config = configure(settings=asked, runs=tmp_path / "runs")
    run = train(config, tmp_path / "runs", lambda event: said.append(event))
    assert "no such file or folder" in run.start["seen"]
    (line,) = [event.text for event in said if getattr(event, "text", "").startswith("not check")]
    assert line.startswith("not checked: whether one was trained with validation or test images (")
    assert str(moved) in line


def test_a_runs_folder_may_be_given_by_its_name(base, pets):
    asked = {**settings_of(pets, None), "init": {"run": "base"}}
    config = configure(settings=asked, runs=base.path.parent)
    assert Path(config.init.run) == base.path
    with pytest.raises(ConfigError, match=r"--freeze: there is no run to start from"):
        configure(settings={"init": {"freeze": "none"}}, labels={"init.freeze": "--freeze"})
