"""Robustness recomputes from what is saved, and from a path of its own."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from cnnlab.data.corruptions import chosen_corruptions, corrupt
from cnnlab.errors import InputError, RunError, UnknownNameError
from cnnlab.evaluation import robustness as module
from cnnlab.evaluation.figures import Panel, severity_curves
from cnnlab.evaluation.robustness import robustness, robustness_of
from cnnlab.evaluation.robustness_scores import Robustness
from cnnlab.inference import load_network
from cnnlab.metrics import wilson_interval
from cnnlab.runs import CorruptedPredictions, Run, open_run
from cnnlab.workflows.configure import configure
from cnnlab.workflows.train import train_and_evaluate

SOME = ["fog", "contrast", "impulse-noise"]


@pytest.fixture(scope="module")
def trained(images, tiny_model, tmp_path_factory):
    config = configure(
        settings={
            "precision": "fp32",
            "data": {"source": str(images)},
            "model": {"name": str(tiny_model)},
            "training": {"epochs": 3, "batch_size": 16},
        }
    )
    return train_and_evaluate(config, tmp_path_factory.mktemp("runs")).run


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "copy")
    return open_run(tmp_path / "copy")


def test_answers_are_those_of_the_network_on_the_corrupted_images(run):
    found = robustness(run, corruptions=SOME, severities=[5, 1])
    assert [entry.name for entry in found.corruptions] == ["impulse-noise", "fog", "contrast"]
    assert found.severities == [1, 5]
    rows = np.array(run.split["validation"])
    dataset = run.open_dataset()
    facts = run.preprocessing
    mean, std = (torch.tensor(facts[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    network = load_network(run)
    for row, name in enumerate(["impulse-noise", "fog", "contrast"]):
        for column, severity in enumerate([1, 5]):
            pixels = corrupt(np.array(dataset.images[rows]), name, severity, rows)
            inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
            with torch.no_grad():
                classes = network((inputs - mean) / std).argmax(1).numpy()
            right = classes == dataset.labels[rows]
            cell = found.accuracies[row][column]
            assert cell.value == pytest.approx(right.mean())
            assert cell.interval == wilson_interval(int(right.sum()), len(rows))
    assert found.clean.value == pytest.approx(
        (run.predictions("validation").classes == dataset.labels[rows]).mean()
    )


def test_everything_said_recomputes_from_the_files(run):
    said = robustness(run, corruptions=SOME, severities=[1, 3]).to_dict()
    assert json.loads((run.path / "robustness-validation.json").read_text()) == said
    assert robustness_of(run, "validation").to_dict() == said
    assert robustness_of(run, "test") is None
    assert (run.path / "figures" / "robustness-validation.svg").read_bytes().startswith(b"<?xml")
    with np.load(run.path / "predictions" / "validation-corrupted.npz") as saved:
        labels = saved["labels"]
        errors = [
            np.mean([1 - (saved[f"{entry['name']}/{s}"] == labels).mean() for s in (1, 3)])
            for entry in said["corruptions"]
        ]
        clean = (saved["clean"] == labels).mean()
    assert [entry["error"] for entry in said["corruptions"]] == pytest.approx(errors)
    assert said["mean_corruption_error"] == pytest.approx(np.mean(errors))
    assert said["relative_drop"] == pytest.approx((clean - 1 + np.mean(errors)) / clean)


def test_what_is_measured_already_is_not_measured_again(run, monkeypatch):
    robustness(run, corruptions=["fog"], severities=[1])
    asked = []

    def counting(images, name, severity, indices):
        asked.append((name, severity))
        return corrupt(images, name, severity, indices)

    monkeypatch.setattr(module, "corrupt", counting)
    robustness(run, corruptions=["fog"], severities=[1, 2])
    assert set(asked) == {("fog", 2)}
    assert set(run.corrupted_predictions("validation").answers) == {("fog", 1), ("fog", 2)}
    lines = []
    limited = robustness(run, corruptions=["fog"], severities=[1], limit=5, say=lines.append)
    assert limited.n == 5
    assert set(asked) == {("fog", 1), ("fog", 2)}
    assert any("replaced" in line for line in lines)


def test_a_block_s_size_changes_nothing(run, monkeypatch):
    whole = robustness(run, corruptions=["gaussian-noise"], severities=[5]).saved
    (run.path / "predictions" / "validation-corrupted.npz").unlink()
    monkeypatch.setattr(module, "_BLOCK", 3)
    monkeypatch.setattr(module, "_BLOCKS", 2)
    small = robustness(run, corruptions=["gaussian-noise"], severities=[5]).saved
    np.testing.assert_array_equal(
        whole.answers["gaussian-noise", 5], small.answers["gaussian-noise", 5]
    )


def test_opening_test_is_written_down(run):
    assert not run.ledger
    found = robustness(run, "test", corruptions=["fog"], severities=[1], command="looked")
    (line,) = run.ledger
    assert (line["command"], line["split"]) == ("looked", "test")
    assert line["top1"] == pytest.approx(found.clean.value)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"corruptions": ["smog"]}, UnknownNameError, "no corruption is called 'smog'"),
        ({"severities": [0, 3]}, InputError, "severities: 0; expected whole numbers from 1 to 5"),
        ({"severities": []}, InputError, "severities: none"),
        ({"limit": 0}, InputError, "a limit of 0 images"),
    ],
)
def test_what_cannot_be_asked_for(run, asked, error, said):
    with pytest.raises(error, match=said):
        robustness(run, **asked)
    assert not (run.path / "robustness-validation.json").exists()


def answered(run, right, clean, name="fog"):
    """Saved answers whose shares of right ones are known: ``right`` by severity, of 100."""
    labels = np.zeros(100, dtype=np.int64)
    wrong = lambda count: (np.arange(100) >= count).astype(np.int64)  # noqa: E731
    answers = {(name, s): wrong(count) for s, count in enumerate(right, start=1)}
    saved = CorruptedPredictions(wrong(clean), labels, np.arange(100), "weights 1", answers)
    run.save_corrupted_predictions("validation", saved)
    return Robustness(run, "validation", saved, chosen_corruptions([name]), [1, 2])


def test_errors_related_to_a_reference_by_hand(run, trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "other")
    other = Run(tmp_path / "other")
    answered(other, [50, 30], 80)
    found = answered(run, [80, 60], 90).beside(other)
    assert found.errors == pytest.approx([0.3])
    # CE: (20 + 40) / (50 + 70); relative CE: (30 - 10) / (60 - 20) in means of percent.
    assert found.to_dict()["reference"]["mce"] == pytest.approx(0.5)
    assert found.to_dict()["reference"]["relative_mce"] == pytest.approx(0.5)
    assert found.drop(0.3) == pytest.approx(2 / 9)
    assert "mCE 0.500" in found.to_text()
    answered(other, [100, 100], 100)
    perfect = answered(run, [80, 60], 90).beside(other).to_dict()
    assert perfect["reference"]["mce"] is None
    json.dumps(perfect, allow_nan=False)


def test_a_reference_that_does_not_fit_says_what_to_run(run, trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "other")
    other = Run(tmp_path / "other")
    found = answered(run, [80, 60], 90)
    with pytest.raises(RunError, match="not measured on the same 100 validation images"):
        found.beside(other)
    answered(other, [50, 30], 80, name="frost")
    with pytest.raises(RunError, match="--severities 1,2 --corruptions fog"):
        found.beside(other)


def test_a_reference_is_looked_at_before_test_is_opened(run, trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "other")
    with pytest.raises(RunError, match=r"other: not measured on the same .* test images"):
        robustness(run, "test", corruptions=["fog"], reference=Run(tmp_path / "other"))
    assert run.ledger == []
    assert run.corrupted_predictions("test") is None


def test_corruptions_at_severities_of_their_own_make_the_largest_table(run):
    answered(run, [80, 60, 50], 90)
    saved = run.corrupted_predictions("validation")
    more = {("frost", 1): saved.labels, ("frost", 2): saved.labels, ("contrast", 5): saved.labels}
    run.save_corrupted_predictions(
        "validation", dataclasses.replace(saved, answers={**saved.answers, **more})
    )
    found = robustness_of(run, "validation")
    assert [entry.name for entry in found.corruptions] == ["frost", "fog"]
    assert found.severities == [1, 2]
    assert found.left_out == (("fog", 3), ("contrast", 5))


def test_a_damaged_file_says_what_to_do(run):
    robustness(run, corruptions=["fog"], severities=[1])
    path = run.path / "predictions" / "validation-corrupted.npz"
    for length in (0, 1, 300, path.stat().st_size - 1):
        content = path.read_bytes()
        path.write_bytes(content[:length])
        with pytest.raises(RunError, match="damaged; remove it, and run: cnnlab robustness"):
            robustness_of(run, "validation")
        path.write_bytes(content)


def test_the_figure_says_what_it_shows(run):
    found = answered(run, [80, 60], 90)
    figure = dataclasses.replace(found, reference=answered(run, [50, 30], 80)).picture().figure()
    (axes,) = [axes for axes in figure.axes if axes.axison]
    assert axes.get_title(loc="left") == "Fog"
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert list(lines["clean images"]) == [90, 90]
    assert list(lines["copy"]) == [50, 30]
    with pytest.raises(InputError):
        severity_curves([[Panel("Fog", [])]], [1], clean=1.0, name="x")
