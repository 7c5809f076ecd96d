"""The functions of the package take a run, its folder, its name, or a group's name."""

import json
from pathlib import Path

import pytest
from small_runs import make_run

import cnnlab
from cnnlab.errors import RunError
from cnnlab.files import write_text
from cnnlab.runs import Run, as_run, as_runs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the runs ``a``, ``g-seed0`` and ``g-seed1``, and this process in it."""
    monkeypatch.chdir(tmp_path)
    make_run(Path("runs"), "a")
    for seed in (0, 1):
        run = make_run(Path("runs"), f"g-seed{seed}")
        write_text(run.path / "group.json", json.dumps({"name": "g"}))
    return Path("runs")


def test_a_run_may_be_named(folder):
    run = Run(folder / "a")
    assert as_run(run) is run
    assert as_run("a").path == as_run(folder / "a").path == run.path
    assert [each.name for each in as_runs("g")] == ["g-seed0", "g-seed1"]
    assert [each.name for each in as_runs([run, "g"])] == ["a", "g-seed0", "g-seed1"]
    assert [each.name for each in as_runs(run)] == ["a"]


def test_functions_of_one_run_take_names(folder):
    assert cnnlab.diagnose("a").to_text() == cnnlab.diagnose(Run(folder / "a")).to_text()
    assert cnnlab.run_card("a").to_dict() == cnnlab.run_card(folder / "a").to_dict()
    for ask in (cnnlab.evaluate, cnnlab.robustness, cnnlab.diagnose, cnnlab.resume):
        with pytest.raises(RunError, match="no such run"):
            ask("b")


def test_functions_of_several_runs_take_names(folder):
    compared = cnnlab.compare(["a", "g-seed0"])
    assert compared.to_dict() == cnnlab.compare([Run(folder / "a"), folder / "g-seed0"]).to_dict()
    assert [each.run for each in cnnlab.thin_runs(["g"], dry_run=True).runs] == [
        "g-seed0",
        "g-seed1",
    ]
    for ask in (cnnlab.compare, cnnlab.thin_runs, lambda names: cnnlab.track(names, ["mlflow"])):
        with pytest.raises(RunError, match="no such run"):
            ask(["a", "b"])
    with pytest.raises(RunError, match="no such run"):
        cnnlab.write_report("b", "report")
