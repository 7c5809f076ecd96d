"""The whole audit: what is planted is found, broken files are named, all is written."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image
from small import write_images

import cnnlab
from cnnlab.data.shapes import planted
from cnnlab.errors import ConfigError, RunError
from cnnlab.evaluation.audit.findings import CHECKS
from cnnlab.training.unsaved import fit_unsaved
from cnnlab.workflows.audit import audit, audit_into
from cnnlab.workflows.out_of_fold import TrainingPlan, configure_folds, out_of_fold

_OPTIONS = {"size": 240, "label_errors": 0.05, "duplicates": 0.05}
_SETTINGS = [f"data.{key}={value}" for key, value in _OPTIONS.items()]


@pytest.fixture
def truth(monkeypatch):
    """What is planted in shapes; networks that know the drawn classes stand in for trained ones."""
    known = planted(**_OPTIONS)

    def predict(self, data, folds, watch):
        assert len(np.unique(folds)) == self.folds
        shares = np.full((len(folds), 10), 0.02)
        shares[np.arange(len(folds)), known.true_labels] = 0.82
        return shares.astype(np.float32)

    monkeypatch.setattr(TrainingPlan, "predict", predict)
    return known


def test_an_image_with_copies_in_two_parts_counts_once_and_small_parts_are_named(tmp_path):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (60, 16, 16, 1)).astype(np.uint8)
    pixels[[40, 50]] = pixels[0]  # of validation and of test, as one of train
    parts = {"train": 36, "val": 12, "test": 12}
    ends = np.cumsum(list(parts.values()))
    arrays = {}
    for (part, count), end in zip(parts.items(), ends, strict=True):
        arrays |= {f"x_{part}": pixels[end - count : end], f"y_{part}": np.arange(count) % 2}
    np.savez(tmp_path / "a.npz", **arrays)
    done = audit(str(tmp_path / "a.npz"), checks=("duplicates", "drift"))
    assert done.findings.counts()["duplicates-across"] == 2
    said = "not compared, for fewer than 20 images: validation, test"
    assert said in done.to_text()


def test_what_is_planted_in_shapes_is_found_and_written(truth, tmp_path):
    done = audit_into(tmp_path / "out", "shapes", overrides=_SETTINGS)
    said = done.to_dict()
    json.dumps(said, allow_nan=False)
    suspects = {one["row"] for one in said["label_errors"]["listed"]}
    assert suspects == set(truth.wrong_rows.tolist())
    for one in said["label_errors"]["listed"]:
        assert one["suggested"] == said["class_names"][truth.true_labels[one["row"]]]
    assert said["duplicates"]["exact_pairs"] == len(truth.copied_rows)
    assert said["counts"]["broken-images"] == 0
    differ = truth.labels != truth.labels[truth.sources]
    assert set(np.flatnonzero(differ)) <= set(said["duplicates"]["conflicting_labels"])
    assert said["report"] == str(tmp_path / "out" / "report.html")
    kept = json.loads((tmp_path / "out" / "findings.json").read_text(encoding="utf-8"))
    assert {**kept, "report": said["report"]} == said
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'src="data:' in page
    assert "://" not in page
    with (tmp_path / "out" / "findings.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert sum(line["finding"] == "exact copy" for line in lines) == len(truth.copied_rows)
    assert {int(line["row"]) for line in lines if line["finding"] == "label"} == suspects
    with np.load(tmp_path / "out" / "out-of-fold.npz") as kept:
        groups = done.findings.duplicates.groups
        assert all(len(set(kept["folds"][groups == group])) == 1 for group in groups)
    text = done.to_text()
    assert "labels: 12 of 240 are likely wrong" in text
    assert "test against train: " in text
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.html", "report.md", "figures", "findings.csv", "findings.json", "out-of-fold.npz",
    }  # fmt: skip


def test_every_image_is_predicted_by_a_network_that_has_not_seen_it(
    images, tiny_model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    seen = []

    def fit(prepared, watch, **limit):
        seen.append(prepared.split.train)
        return fit_unsaved(prepared, watch, **limit)

    monkeypatch.setattr("cnnlab.workflows.out_of_fold.fit_unsaved", fit)
    settings = {
        "data": {"source": str(images)},
        "model": {"name": str(tiny_model)},
        "training": {"epochs": 8, "batch_size": 16},
        "optimizer": {"name": "adam", "lr": 0.01},
    }
    folds = np.arange(120) % 3
    shares = out_of_fold(cnnlab.configure(settings=settings), folds)
    labels = cnnlab.open_dataset(str(images)).labels
    assert (shares.argmax(axis=1) == labels).mean() > 0.7
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-4)
    for fold, rows in enumerate(seen):
        assert sorted(rows.tolist()) == np.flatnonzero(folds != fold).tolist()
    assert not list(tmp_path.iterdir())


def test_the_time_is_divided_among_the_folds(images):
    config = configure_folds(
        {"source": str(images)}, folds=3, limit_seconds=3.0, recipe="digits-quick", seed=5
    )
    assert config.training.time_limit_seconds == pytest.approx(3.0 * 0.7 / 3 * 1.05)
    assert config.training.steps is not None
    assert config.seed == 5


def test_broken_and_odd_files_are_named_and_the_rest_is_audited(tmp_path):
    folder = write_images(tmp_path / "pets", each=30)
    for number in range(12):
        (folder / "class 1" / f"broken{number}.png").write_bytes(b"\x89PNG no more")
    Image.new("RGB", (12, 12), "red").save(folder / "class 2" / "flat.png")
    Image.new("RGB", (64, 12), "red").save(folder / "class 2" / "wide.png")
    done = audit(str(folder))
    said = done.to_dict()
    assert [one["file"] for one in said["files"]["broken"]] == sorted(
        f"class 1/broken{number}.png" for number in range(12)
    )
    assert said["files"]["odd"] == [
        {"file": "class 2/wide.png", "problem": "stretched", "width": 64, "height": 12}
    ]
    constant = [one["file"] for one in said["files"]["constant"]]
    assert constant == ["class 2/flat.png", "class 2/wide.png"]
    assert said["images"] == 92
    assert "files cannot be read" in said["left_out"]["label-errors"]
    assert "broken0.png" in done.to_text()


def test_a_run_s_split_and_accuracy_are_looked_at(small_trained, images):
    said = audit(str(images), run=small_trained, checks=["duplicates"]).to_dict()
    rows = small_trained.rows()
    assert said["parts"] == {part: len(rows.rows(part)) for part in ("train", "validation", "test")}
    (one,) = said["accuracy"]
    saved = small_trained.predictions("validation")
    assert one["split"] == "validation"
    assert one["all"]["correct"] == int((saved.classes == saved.labels).sum())
    assert one["all"]["n"] == one["without_twins"]["n"] + one["twins"]["n"]
    assert small_trained.ledger == []
    with pytest.raises(RunError, match="the run is of other images"):
        audit("digits", run=small_trained, checks=["balance"])


@pytest.fixture
def small_trained(images, tiny_model, tmp_path):
    """A run of one epoch on the stripes."""
    settings = {
        "data": {"source": str(images)},
        "model": {"name": str(tiny_model)},
        "training": {"epochs": 1, "batch_size": 32},
    }
    return cnnlab.train(cnnlab.configure(settings=settings), tmp_path / "runs").run


def test_only_what_is_asked_for_is_done():
    said = audit("shapes", checks=["balance"], overrides=["data.size=60"]).to_dict()
    assert set(said["counts"]) == {"missing-classes"}
    assert said["duplicates"] is said["label_errors"] is said["drift"] is said["files"] is None
    assert list(said["seconds"]) == ["balance"]


def test_too_few_images_are_not_judged(truth):
    done = audit("shapes", checks=CHECKS, overrides=["data.size=7"])
    assert "too few" in done.findings.left_out["label-errors"]
    assert "not looked for: label-errors" in done.to_text()
    with pytest.raises(ConfigError, match="--folds: the value is 1"):
        TrainingPlan(folds=1)
