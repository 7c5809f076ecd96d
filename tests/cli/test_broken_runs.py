"""A run of which one file says something else: listed, and named in one line elsewhere."""

import shutil

import pytest

#: What each file must not be taken for, and what then shows it.
FILES = {
    "config.yaml": "report",
    "environment.json": "report",
    "split.json": "report",
    "architecture.yaml": "evaluate",
    "preprocessing.json": "evaluate",
    "checkpoints/best.safetensors": "evaluate",
    "metrics.jsonl": "report",
    "timing.jsonl": "report",
    "ledger.jsonl": "report",
    "predictions/validation.npz": "report",
}
WAYS = {
    "another object": lambda path: path.write_bytes(b"{}\n"),
    "bytes": lambda path: path.write_bytes(bytes(range(256)) + b"\n"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("way", WAYS)
def test_case_15_a_broken_file_is_named_and_its_run_still_listed(cnnlab, trained, file, way):
    (trained / "ledger.jsonl").touch()
    WAYS[way](trained / file)
    listed = cnnlab("runs", "list", "--json")
    assert listed.code == 0
    assert [line["run"] for line in listed.json["runs"]] == (
        [] if (file, way) == ("config.yaml", "a folder") else ["first"]
    )
    outcome = cnnlab(FILES[file], "first")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].startswith("cnnlab: ")
    assert "unexpected" not in outcome.err
    name = "no such run" if (file, way) == ("config.yaml", "a folder") else file.rpartition("/")[2]
    assert name in outcome.err


@pytest.mark.parametrize("file", ["summary.txt", "progress.md", "checkpoints/clock.json"])
def test_case_15_what_people_read_may_be_broken_and_training_goes_on(cnnlab, trained, file):
    whole = (trained / "progress.md").read_bytes()
    (trained / "result.json").unlink()
    (trained / file).write_bytes(b"\xff")
    outcome = cnnlab("train", "--resume", "first")
    assert outcome.code == 0, outcome.err
    assert ("clock.json is missing or damaged" in outcome.err) == (file[-5:] == ".json")
    if file[-5:] != ".json":  # without the clock it cannot know how long it took
        assert (trained / "progress.md").read_bytes() == whole


def test_a_run_in_a_folder_whose_name_is_no_utf8_is_used(cnnlab, trained, tmp_path):
    strange = tmp_path / "r\udcff"
    try:
        shutil.copytree(trained.parent, strange)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    before = cnnlab("evaluate", "first", "--json").json
    after = cnnlab("evaluate", "first", "--runs", strange, "--json").json
    assert after["confusion_matrix"] == before["confusion_matrix"]
    for verb in ("report", "evaluate"):
        more = ("--split", "test") if verb == "evaluate" else ()
        assert cnnlab(verb, strange / "first", *more).code == 0
    assert cnnlab("runs", "show", strange / "first").code == 0


def test_offline_training_without_data_names_images_that_are_here(cnnlab, monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    outcome = cnnlab("train", "--offline")
    assert outcome.code == 2
    assert outcome.err.endswith("or take images that need no download: --data digits\n")
