"""Runs that an earlier version wrote are opened by every reader; those of a later one are refused.

``tests/fixtures/make_run.py`` wrote the runs, with the version that had this schema first.
"""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from cnnlab.config import SCHEMA
from cnnlab.data import open_dataset
from cnnlab.errors import ConfigError, RunError
from cnnlab.evaluation.compare import compare
from cnnlab.evaluation.evaluate import evaluate, evaluation_of
from cnnlab.inference import Preprocessing, load_network, predict_logits
from cnnlab.reports import write_report
from cnnlab.runs import list_runs, open_run
from cnnlab.training.events import Notice
from cnnlab.workflows.overview import overview
from cnnlab.workflows.run_card import card_of
from cnnlab.workflows.thinning import thin_runs
from cnnlab.workflows.train import resume_and_evaluate

FIXTURES = Path(__file__).parent / "fixtures"
SCHEMAS = range(1, SCHEMA + 1)


@pytest.fixture(params=SCHEMAS)
def runs(request, tmp_path):
    """A folder with copies of one schema's runs, "whole" and "cut"."""
    for name, copy in (("", "whole"), ("-cut", "cut")):
        shutil.copytree(FIXTURES / f"run-schema-{request.param}{name}", tmp_path / copy)
    return tmp_path


@pytest.fixture
def whole(runs):
    return open_run("whole", runs=runs)


@pytest.fixture
def cut(runs):
    return open_run("cut", runs=runs)


def config_of(run):
    return yaml.safe_load((run.path / "config.yaml").read_text(encoding="utf-8"))


def write_config(run, content):
    (run.path / "config.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return open_run(run.path)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_fixtures_are_small_and_say_nothing_of_where_they_were_made(schema):
    for name in (f"run-schema-{schema}", f"run-schema-{schema}-cut"):
        files = [path for path in (FIXTURES / name).rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < 200_000
        for path in files:
            place = re.search(rb"/(tmp|home|root|usr|work|var|opt)/", path.read_bytes())
            assert place is None, path


def test_the_lists_and_the_card_show_them(runs, whole, cut):
    lines = {line.run: line for line in overview(runs).runs}
    assert {name: (line.status, line.problem) for name, line in lines.items()} == {
        "whole": ("finished", None),
        "cut": ("unfinished", None),
    }
    assert (lines["whole"].model, lines["whole"].data) == ("small", "Digits")
    assert lines["whole"].epochs == 8
    assert lines["whole"].test_openings == 1
    for run in (whole, cut):
        facts = card_of(run).to_dict()
        assert facts["problems"] == []
        assert facts["data"]["split"] == {"train": 300, "validation": 60, "test": 60}
    assert "training.epochs 8" in card_of(whole).to_text()


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_saved_weights_still_give_the_saved_predictions(whole, split):
    saved = whole.predictions(split)
    preprocessing = Preprocessing.from_dict(whole.preprocessing)
    images = open_dataset("digits").images
    logits = predict_logits(load_network(whole), images, preprocessing, rows=saved.indices)
    assert np.abs(logits - saved.logits).max() < 1e-4
    assert np.ptp(saved.logits) > 1  # they tell classes apart, so equal ones mean something
    recorded = whole.ledger[0]["top1"] if split == "test" else whole.chosen_epoch[
        "validation_accuracy"]  # fmt: skip
    assert evaluation_of(whole, split).scores.top1 == pytest.approx(recorded)
    assert evaluate(whole, split, command="a test").scores.top1 == pytest.approx(recorded)


def test_they_are_compared_and_reported_without_their_data(runs, whole):
    shutil.copytree(runs / "whole", runs / "same")
    same = open_run("same", runs=runs)
    (pair,) = compare([whole, same]).pairs
    assert "no detectable difference" in pair.verdict
    (document,) = write_report([whole], whole.path, ["html"])
    assert document.stat().st_size > 100_000


def test_a_finished_one_has_nothing_to_resume_and_nothing_to_thin_out(whole):
    said = []
    resume_and_evaluate(whole, lambda event: said.append(event))
    (notice,) = [event.text for event in said if isinstance(event, Notice)]
    assert notice.startswith("nothing to do")
    assert thin_runs([whole]).freed_bytes == 0


def test_one_that_was_cut_off_goes_on_to_its_end(cut):
    before = [line["epoch"] for line in cut.metrics]
    trained = resume_and_evaluate(cut, inexact=True)  # on another machine than it began
    assert before == [1, 2]
    assert [line["epoch"] for line in cut.metrics] == [1, 2, 3, 4]
    assert cut.status == "finished"
    assert trained.validation.scores.n == 60


def test_one_that_was_cut_off_before_a_setting_was_added_goes_on(cut):
    """Its checkpoint and its configuration lack what has a default today."""
    from cnnlab.inference import read_tensors
    from cnnlab.training.checkpoint import save_tensors

    for path in cut.checkpoints.glob("last-*"):
        tensors, header = read_tensors(path)
        del header["config"]["training"]["clip_norm"], header["config"]["init"]
        save_tensors(path, tensors, header)
    content = config_of(cut)
    del content["training"]["clip_norm"], content["mirror"]
    again = resume_and_evaluate(write_config(cut, content), inexact=True)
    assert again.run.status == "finished"


def test_one_from_before_compiling_was_a_choice_goes_on_as_it_began(cut, monkeypatch):
    """Wherever it goes on, and whatever is chosen there today."""
    from cnnlab.device import Choice

    compiled = Choice("on", "a GPU")
    monkeypatch.setattr("cnnlab.training.prepare.choose_compile", lambda asked, device: compiled)
    monkeypatch.setattr("cnnlab.training.fitter.CompiledNetwork", None)
    assert "compile" not in cut.config
    assert cut.typed_config().compile == "auto"
    assert cut.settings["compile"] == "off"
    run = open_run(resume_and_evaluate(cut, inexact=True).run.path)
    assert (run.status, run.typed_config().compile) == ("finished", "auto")


def keys(content, prefix=()):
    for key, value in content.items():
        yield (*prefix, key)
        if isinstance(value, dict):
            yield from keys(value, (*prefix, key))


def without(content, path):
    """A copy without one key."""
    copy = json.loads(json.dumps(content))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return copy


def test_a_run_opens_without_any_setting_that_has_a_default(whole):
    content = config_of(whole)
    # A schedule's own settings mean nothing without its name.
    needed = {("schema_version",), ("schedule", "name")}
    paths = [path for path in keys(content) if path not in needed]
    assert len(paths) > 40
    for path in paths:
        typed = write_config(whole, without(content, path)).typed_config()
        assert typed.schema_version == SCHEMA, path


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("epoch", r"config\.yaml: no setting 'training\.epoch'; did you mean 'epochs'"),
        ("of_tomorrow", r"config\.yaml: no setting 'training\.of_tomorrow'; choose from: "),
    ],
)
def test_a_setting_that_this_schema_does_not_have_is_named(whole, key, said):
    content = config_of(whole)
    content["training"][key] = 3
    run = write_config(whole, content)
    with pytest.raises(ConfigError, match=said):
        run.typed_config()
    with pytest.raises(ConfigError, match=said):
        evaluate(run)
    top = write_config(run, {**config_of(whole), "training": {}, "modle": {}})
    with pytest.raises(ConfigError, match=r"no setting 'modle'; did you mean 'model'"):
        top.typed_config()


@pytest.fixture
def newer(whole):
    """The folder of a run that a later version wrote, in a schema that is not known yet."""
    content = config_of(whole)
    write = {**content, "schema_version": SCHEMA + 1, "of_tomorrow": 1}
    (whole.path / "config.yaml").write_text(yaml.safe_dump(write), encoding="utf-8")
    return whole.path


def test_a_run_of_a_later_schema_is_refused_by_its_version(newer):
    with pytest.raises(RunError) as caught:
        open_run(newer)
    assert str(caught.value) == (
        f"{newer / 'config.yaml'}: a newer cnnlab wrote it, schema version {SCHEMA + 1}; "
        f"expected {SCHEMA}, which is what this cnnlab reads; upgrade cnnlab"
    )
    assert caught.value.exit_code == 2


def test_a_run_of_a_later_schema_is_listed_as_such(newer, runs):
    lines = {line.run: line for line in overview(runs).runs}
    assert lines["whole"].status == "newer"
    assert f"schema version {SCHEMA + 1}" in lines["whole"].problem
    assert lines["cut"].status == "unfinished"
    assert lines["whole"].size_bytes > 1000
    (run,) = [run for run in list_runs(runs) if run.name == "whole"]
    assert card_of(run).to_dict()["next"] == ["upgrade cnnlab"]


@pytest.mark.parametrize(
    "verb",
    [
        ("evaluate",),
        ("report",),
        ("compare", "cut"),
        ("train", "--resume"),
        ("runs", "thin"),
    ],
    ids=" ".join,
)
def test_every_verb_refuses_a_run_of_a_later_schema_in_one_line(newer, runs, verb, capsys):
    from cnnlab.cli.main import main

    before = {path: path.read_bytes() for path in newer.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit) as ended:
        main([*verb, "whole", "--runs", str(runs)])
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err.startswith("cnnlab: ")
    assert said.err.endswith("upgrade cnnlab\n")
    assert said.err.count("\n") == 1
    assert {path: path.read_bytes() for path in newer.rglob("*") if path.is_file()} == before
