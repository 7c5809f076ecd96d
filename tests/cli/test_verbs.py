"""Every verb does its work and keeps its promises about output and exit codes."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from cnnlab.data import SOURCES
from cnnlab.models import MODELS, report_figures


def test_models_and_summary(cnnlab):
    listed = cnnlab("models", "--json").json["models"]
    assert [model["name"] for model in listed] == MODELS.names()
    assert all(name in cnnlab("models").out for name in MODELS)
    summary = cnnlab("summary", "model-f", "--json").json
    reported = report_figures()["models"]["model-f"]
    assert summary["total_params"] == reported["total_params"]
    assert set(summary["layers"][0]) >= {"name", "type", "output_shape", "params"}
    assert {"trainable_params", "non_trainable_params", "flops"} <= set(summary)
    assert "conv2d (Conv2D)" in cnnlab("summary", "model-f").out
    for shape in ("32x32", "32x32x\N{SUPERSCRIPT TWO}", "0x32x3", f"32x32x{'9' * 5000}"):
        refused = cnnlab("summary", "model-a", "--input-shape", shape)
        assert refused.code == 2
        assert "is no shape; expected HxWxC" in refused.err


def test_data_list_and_show(cnnlab, images):
    listed = cnnlab("data", "list", "--json").json["datasets"]
    assert [entry["name"] for entry in listed] == SOURCES.names()
    assert all(name in cnnlab("data", "list").out for name in SOURCES)
    shown = cnnlab("data", "show", images, "--json").json
    assert shown["images"] == 120
    assert shown["image_shape"] == [12, 12, 3]
    assert shown["classes"]["train"] == {"class 0": 40, "class 1": 40, "class 2": 40}
    assert "class 1" in cnnlab("data", "show", images).out
    assert cnnlab("data", "fetch", "digits", "--json").json["name"] == "digits"


def test_train_says_what_it_promises(cnnlab, images, tiny_model):
    outcome = cnnlab("train", "--model", tiny_model, "--data", images, "--epochs", 8,
                     "--batch-size", 16, "--lr", "0.01", "--optimizer", "adam",
                     "--json")  # fmt: skip
    assert outcome.code == 0, outcome.err
    trained = outcome.json
    keys = {"run", "epochs", "train_seconds", "images_per_second", "stopped_because"}
    assert keys <= set(trained)
    assert trained["validation"]["top1"] > 0.8
    assert {"top1", "loss"} <= set(trained["validation"])
    assert Path(trained["run"]).is_dir()


@pytest.mark.parametrize("split", ["validation", "test"])
def test_case_21_everything_evaluated_recomputes_from_the_predictions(cnnlab, trained, split):
    said = cnnlab("evaluate", "first", "--split", split, "--json").json
    with np.load(trained / "predictions" / f"{split}.npz") as saved:
        logits, labels = saved["logits"], saved["labels"]
    predicted = logits.argmax(1)
    assert said["n"] == len(labels) == 20
    assert said["top1"] == pytest.approx((predicted == labels).mean())
    assert said["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert said["confusion_matrix"] == confusion_matrix(labels, predicted).tolist()
    assert said["top1_interval"][0] <= said["top1"] <= said["top1_interval"][1]
    assert [entry["class"] for entry in said["per_class"]] == ["class 0", "class 1", "class 2"]
    assert {"run", "split", "nll", "ece"} <= set(said)


def test_only_opening_test_is_written_to_the_ledger(cnnlab, trained):
    ledger = trained / "ledger.jsonl"
    assert cnnlab("evaluate", "first").code == 0
    assert not ledger.exists()
    text = cnnlab("evaluate", "first", "--split", "test").out
    assert "rows: true classes, columns: predicted classes" in text
    (entry,) = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert (entry["split"], entry["n"]) == ("test", 20)


def test_evaluating_again_gives_the_same_bytes(cnnlab, trained):
    path = trained / "predictions" / "validation.npz"
    before = path.read_bytes()
    cnnlab("evaluate", "first")
    assert path.read_bytes() == before


def test_compare_report_and_runs(cnnlab, trained, images, tiny_model):
    cnnlab("train", "--model", tiny_model, "--data", images, "--epochs", 1, "--name", "second",
           "--lr", "0.000001")  # fmt: skip
    said = cnnlab("compare", "first", "second", "--json").json
    assert [row["run"] for row in said["runs"]] == ["first", "second"]
    (pair,) = said["pairs"]
    assert {"a", "b", "difference", "interval", "p_value", "verdict"} <= set(pair)
    assert pair["verdict"].startswith("first is better than second by")
    text = cnnlab("compare", "first", "second").out
    assert "key features" in text
    assert pair["verdict"] in text
    assert cnnlab("compare", "first").code == 2

    files = cnnlab("report", "first", "--json").json["files"]
    assert {Path(file).suffix for file in files} == {".html", ".md"}
    assert all(Path(file).stat().st_size > 1000 for file in files)
    both = cnnlab("report", "first", "second", "--out", "both")
    assert both.code == 0
    assert (Path("both") / "report.html").exists()

    listed = cnnlab("runs", "list", "--json").json["runs"]
    assert [(row["run"], row["status"]) for row in listed] == [
        ("first", "finished"),
        ("second", "finished"),
    ]
    assert "second" in cnnlab("runs", "list").out


def test_evaluate_draws_confidence_where_asked(cnnlab, trained):
    said = cnnlab("evaluate", "first", "--top-k", 2, "--out", "sure.svg", "--json").json
    assert said["top_k"]["k"] == 2
    assert Path(said["picture"]).read_bytes().startswith(b"<?xml")
    refused = cnnlab("evaluate", "first", "--out", "sure.gif")
    assert (refused.code, refused.out) == (2, "")
    assert ".svg or .png" in refused.err
    assert "temperature" in cnnlab("evaluate", "first").out


def test_several_seeds_in_one_command(cnnlab, images, tiny_model):
    command = ["train", "--model", tiny_model, "--data", images, "--epochs", 1, "--name", "x"]
    said = cnnlab(*command, "--seeds", 2, "--json").json
    assert [Path(path).name for path in said["runs"]] == ["x-seed0", "x-seed1"]
    assert "run" not in said
    assert said["seeds"] == [0, 1]
    keys = {"epochs", "train_seconds", "images_per_second", "stopped_because"}
    assert all(len(said[key]) == 2 for key in keys)
    assert {"top1", "loss", "top1_sd", "top1_interval", "n"} <= set(said["validation"])
    again = cnnlab(*command, "--seeds", "0,1")
    assert again.err.count("nothing to do") == 2
    assert "(mean ± standard deviation of 2 seeds" in again.out
    cnnlab(*command[:-1], "y", "--lr", "0.000001", "--seeds", 2)
    compared = cnnlab("compare", "x", "y", "--margin", "50", "--json").json
    (pair,) = compared["pairs"]
    assert (pair["a"], pair["b"], pair["of"]) == ("x", "y", "recipes")
    assert {"difference", "interval", "p_value", "p_holm", "verdict"} <= set(pair)
    assert cnnlab("compare", "x", "--json").json["pairs"][0]["of"] == "runs"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seeds", "none"], "expected how many (1 to 1000), e.g. 5"),
        (["--seeds", "2", "--seed", "1"], "--seed says one seed"),
        (["--seeds", "2", "--resume", "x"], "type the command that began them again"),
        (["--vary-split"], "--vary-split is for --seeds"),
        (["--workers", "2"], "--workers is for several trainings"),
        (["--seeds", "2", "--executor", "rai"], "did you mean 'ray'?"),
        (["--seeds", "2", "--executor", "in-process", "--workers", "2"], "--workers: the executor"),
        (["--seeds", "2", "--address", "nowhere"], "is no address of a Ray cluster"),
    ],
)
def test_seeds_that_contradict_are_one_line(cnnlab, options, said):
    outcome = cnnlab("train", *options)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err


def test_inexact_is_for_resume_alone(cnnlab, trained):
    outcome = cnnlab("train", "--inexact", "--data", "digits")
    assert outcome.code == 2
    assert "--inexact is for --resume" in outcome.err
    assert "nothing to do" in cnnlab("train", "--resume", "first", "--inexact").err


def test_resume_takes_no_other_setting(cnnlab, trained):
    outcome = cnnlab("train", "--resume", "first", "--epochs", "9")
    assert outcome.code == 2
    assert "--resume goes on with the run's own configuration" in outcome.err


def test_case_16_resuming_what_has_ended_is_done_at_once(cnnlab, trained):
    outcome = cnnlab("train", "--resume", "first", "--json")
    assert outcome.code == 0
    assert "nothing to do" in outcome.err
    assert outcome.json["epochs"] == 8


def test_an_unknown_run_is_one_line(cnnlab, trained):
    for verb in (["evaluate", "frist"], ["report", "frist"], ["train", "--resume", "frist"]):
        outcome = cnnlab(*verb)
        assert outcome.code == 2
        assert "no such run; did you mean 'first'?" in outcome.err


def test_a_half_written_run_does_not_break_the_list(cnnlab, trained):
    (Path("runs") / "broken").mkdir()
    (Path("runs") / "broken" / "config.yaml").write_text("{")
    rows = {row["run"]: row for row in cnnlab("runs", "list", "--json").json["runs"]}
    assert rows["first"]["status"] == "finished"
    assert rows["broken"]["status"] == "damaged"
    assert "config.yaml" in rows["broken"]["problem"]
    assert cnnlab("compare", "first", "broken").code == 2


@pytest.mark.parametrize("verb", [("train", "--data"), ("data", "show")], ids=" ".join)
def test_offline_what_is_not_here_is_one_line(cnnlab, verb, monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    outcome = cnnlab(*verb, "cifar10", "--offline")
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert line.startswith(
        "cnnlab: the dataset 'cifar10' is not on this machine; "
        "fetch it while online: cnnlab data fetch cifar10"
    )
    assert ("--data digits" in line) == (verb[0] == "train")


def test_offline_quickstart_downloads_nothing(cnnlab, monkeypatch, tmp_path):
    from cnnlab.workflows.quickstart import choose_data

    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    said = []
    choose_data(said.append)
    assert "nothing is downloaded offline" in said[0]
    assert not (tmp_path / "empty" / "downloads").exists()


def test_doctor_says_what_is_chosen_here(cnnlab):
    said = cnnlab("doctor", "--quick", "--json").json
    assert set(said["choices"]) == {"device", "precision", "compile", "threads", "memory"}
    assert said["speed"] is None
    assert said["choices"]["threads"]["reason"] in cnnlab("doctor", "--quick").out


@pytest.mark.parametrize(("differences", "code"), [((), 0), (("metrics.jsonl differs",), 1)])
def test_case_14_doctor_verifies_the_resume_and_fails_where_bytes_differ(
    cnnlab, monkeypatch, differences, code
):
    from cnnlab.workflows import verify_resume as module
    from cnnlab.workflows.kill_trial import Kill

    found = module.Survival((Kill("training", 1.0, 8),), differences, {}, 9, 2.0)
    monkeypatch.setattr(module, "verify_resume", lambda say: found)
    said = cnnlab("doctor", "--verify-resume", "--json")
    assert (said.code, said.json["exact"], said.json["survived"]) == (code, not code, 1 - code)
    shown = cnnlab("doctor", "--verify-resume")
    assert ("survived 1 kills" in shown.out) is not bool(code)
    assert shown.err.count("\n") == code
    assert cnnlab("doctor", "--verify-resume", "--quick").code == 2
