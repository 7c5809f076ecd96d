"""Runs go entirely or not at all, and nothing else goes."""

import shutil
from pathlib import Path

import pytest
from small_runs import make_run

from cnnlab.errors import RunError, StorageError
from cnnlab.files import exclusive_lock
from cnnlab.runs import Run, list_runs
from cnnlab.workflows.removal import find_removable, remove_runs


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Stand in an empty folder with the runs "a" and "b" in ./runs."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        make_run(Path("runs"), name)
    return tmp_path


def remove(*wanted):
    return remove_runs(find_removable(wanted))


def names():
    return sorted(path.name for path in Path("runs").iterdir())


def test_a_removed_run_is_gone_and_its_bytes_are_counted(here):
    size = sum(path.stat().st_size for path in Path("runs/a").rglob("*") if path.is_file())
    removed = remove("a")
    assert removed.freed_bytes == removed.to_dict()["removed"][0]["size_bytes"] == size > 1000
    assert names() == ["b"]
    assert "removed runs/a (" in removed.to_text()


def test_a_run_that_is_named_twice_is_removed_once(here):
    assert len(remove("a", "runs/a", str(Path("runs/a").absolute())).runs) == 1
    assert names() == ["b"]


def test_several_runs_go_only_if_all_may(here):
    with pytest.raises(RunError, match="no such run"):
        remove("a", "nothing")
    with (
        exclusive_lock(Path("runs/b/.lock")),
        pytest.raises(RunError, match="runs/b: it is in use"),
    ):
        remove("a", "b")
    assert names() == ["a", "b"]


def test_a_run_that_begins_training_after_the_check_is_not_removed(here):
    found = find_removable(["a", "b"])
    with (
        exclusive_lock(Path("runs/b/.lock")),
        pytest.raises(RunError, match="runs/b: it is in use"),
    ):
        remove_runs(found)
    assert names() == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".", "no run"),
        ("..", "no run"),
        ("/", "no run"),
        ("", "a run's name is empty"),
        ("runs", "a folder of runs, no run; name the runs in it"),
        ("runs/a/checkpoints", "no run"),
        ("runs/a/config.yaml", "no such run"),
        ("runs/a/..", "a folder of runs"),
    ],
)
def test_what_is_no_run_is_refused(here, name, said):
    with pytest.raises(RunError, match=said):
        remove("b", name)
    assert names() == ["a", "b"]


def test_the_folder_that_one_stands_in_is_refused(here, monkeypatch):
    for place in ("runs/a", "runs/a/checkpoints"):
        monkeypatch.chdir(here / place)
        for name in (".", "..", str(here / "runs" / "a")):
            with pytest.raises(RunError, match=r"you stand in it|no run|a folder of runs"):
                remove(name)
    assert (here / "runs" / "a" / "config.yaml").exists()


def test_somebody_elses_folder_with_a_config_is_refused(here):
    project = Path("project")
    project.mkdir()
    (project / "config.yaml").write_text("schema_version: 1\n")
    (project / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"does not look like a run; expected split\.json"):
        remove("project")
    assert (project / "thesis.tex").exists()


def test_a_damaged_run_and_one_of_a_later_schema_can_be_removed(here):
    Path("runs/a/config.yaml").write_text("{")
    Path("runs/b/config.yaml").write_text("schema_version: 2\n")
    Path("runs/b/split.json").unlink()
    remove("a", "b")
    assert names() == []


def test_a_link_to_a_run_is_refused_and_links_inside_are_not_followed(here):
    Path("linked").symlink_to("runs/a")
    with pytest.raises(RunError, match="linked: a link, no run directory"):
        remove("linked")
    precious = here / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    Path("runs/a/figures/out").symlink_to(precious)
    shutil.rmtree("runs/b/checkpoints")
    Path("runs/b/checkpoints").symlink_to(precious)
    remove("a", "b")
    assert (precious / "file").read_text() == "x"
    assert names() == []


def test_a_folder_of_runs_may_be_a_link(here):
    Path("other").symlink_to("runs")
    remove_runs(find_removable(["a"], runs=Path("other")))
    assert names() == ["b"]


def test_where_one_cannot_be_renamed_all_stay(here, monkeypatch):
    rename, seen = Path.rename, []

    def fail_second(path, target):
        seen.append(path)
        if len(seen) == 2:
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_second)
    with pytest.raises(StorageError, match="runs/b: cannot be removed: Permission denied"):
        remove("a", "b")
    assert names() == ["a", "b"]


def test_a_removal_that_is_cut_off_leaves_nothing_that_looks_like_a_run(here, monkeypatch):
    """Killed between renaming and deleting; the next removal clears what it left."""

    def die(*arguments, **settings):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cnnlab.workflows.removal.shutil.rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            remove("a")
    assert [run.name for run in list_runs(Path("runs"))] == ["b"]
    assert len(names()) == 2
    remove("b")
    assert names() == []


def test_runs_given_as_objects_pass_the_same_checks(here):
    Path("runs/a/.lock").touch()
    for path, said in ((Path("runs"), "does not look like a run"), (Path("nowhere"), "look like")):
        with pytest.raises(RunError, match=said):
            remove_runs([Run(Path("runs/a")), Run(path)])
    assert names() == ["a", "b"]
