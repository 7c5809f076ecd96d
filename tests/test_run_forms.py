"""Files of a run that are well-formed and hold something else are errors that name key and file."""

import json

import numpy as np
import pytest
from small_runs import make_run

from cnnlab.errors import RunError
from cnnlab.evaluation.compare import compare
from cnnlab.evaluation.evaluate import evaluate, evaluation_of
from cnnlab.inference import read_tensors
from cnnlab.runs import Predictions, open_run
from cnnlab.training.checkpoint import save_tensors
from cnnlab.training.state import Clock


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, "odd")


def changed(run, file, **values):
    path = run.path / file
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | values), encoding="utf-8")
    return open_run(run.path)


@pytest.mark.parametrize(
    ("file", "values", "key"),
    [
        ("split.json", {"validation": "abc"}, "validation"),
        ("split.json", {"validation": [-1]}, "validation"),
        ("split.json", {"test": [0.5]}, "test"),
        ("split.json", {"test": [0, True]}, "test"),
        ("split.json", {"train": [0, 1 << 63]}, "train"),
        ("split.json", {"dataset": 3}, "dataset"),
        ("split.json", {"dataset": {"name": "x", "fingerprint": None}}, "dataset.fingerprint"),
        ("result.json", {"chosen_epoch": [1]}, "chosen_epoch"),
        ("result.json", {"train_seconds": "3"}, "train_seconds"),
        ("result.json", {"epochs": True}, "epochs"),
    ],
)
def test_a_value_of_another_kind_is_named(run, file, values, key):
    again = changed(run, file, **values)
    with pytest.raises(RunError, match=rf"{file}: damaged: '{key}'"):
        _ = (again.split, again.result)


@pytest.mark.parametrize(
    "line", ['{"stage": 1}', '{"stage": "1", "epoch": 1}', "[[1, 2]]", "3", "[" * 100_000]
)
def test_a_line_of_another_kind_is_named(run, line):
    path = run.path / "metrics.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(RunError, match="line 3: damaged"):
        _ = run.metrics


def test_json_that_is_nested_without_end_is_damaged(run):
    (run.path / "result.json").write_text('{"a":' * 100_000, encoding="utf-8")
    with pytest.raises(RunError, match=r"result.json: missing or damaged"):
        _ = run.result


def test_null_stands_for_what_is_not_known(run):
    assert changed(run, "result.json", chosen_epoch=None).chosen_epoch is None


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.array([0, 0, 1, 9])},
        {"labels": np.array([0, 0, 1, -1])},
        {"labels": np.array([0.0, 0.0, 1.0, 1.0])},
        {"labels": np.array(["a", "b", "c", "d"])},
        {"indices": np.array([1, 2, 3])},
        {"logits": np.full((4, 2), np.nan, dtype=np.float32)},
        {"logits": np.zeros((4, 2), dtype=complex)},
        {"logits": np.zeros((4, 0), dtype=np.float32)},
    ],
)
def test_predictions_that_cannot_be_scored_are_damaged(run, change):
    path = run.path / "predictions" / "validation.npz"
    with np.load(path) as saved:
        arrays = dict(saved)
    np.savez(path, **(arrays | change))
    with pytest.raises(RunError, match=r"validation.npz: damaged"):
        run.predictions("validation")


def test_predictions_that_declare_more_than_there_is_are_damaged(run):
    path = run.path / "predictions" / "validation.npz"
    huge = b"{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 2), }"
    data = path.read_bytes()
    at = data.index(b"{'descr': '<f4'")
    path.write_bytes(
        data[:at] + huge.ljust(data.index(b"\n", at) - at) + data[data.index(b"\n", at) :]
    )
    with pytest.raises(RunError, match=r"validation.npz: damaged"):
        Predictions.read(path, todo="")


def test_names_for_other_classes_are_an_error(run, tmp_path):
    facts = json.loads((run.path / "split.json").read_text(encoding="utf-8"))["dataset"]
    again = changed(run, "split.json", dataset=facts | {"class_names": ["cat"]})
    with pytest.raises(RunError, match="1 class names for 2 classes"):
        evaluation_of(again, "validation")
    other = make_run(tmp_path, "other")
    with pytest.raises(RunError, match="1 class names for 2 classes"):
        compare([again, other])


def test_a_checkpoint_whose_header_was_changed_is_damaged(run, tmp_path):
    path = tmp_path / "x.safetensors"
    tensors, _ = read_tensors(run.best_weights)
    save_tensors(path, tensors, {"epochs_done": 3})
    assert read_tensors(path)[1]["epochs_done"] == 3
    data = path.read_bytes()
    assert data.count(b'epochs_done\\": 3') == 1
    path.write_bytes(data.replace(b'epochs_done\\": 3', b'epochs_done\\": 4'))
    with pytest.raises(RunError, match="missing or damaged"):
        read_tensors(path)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"train_seconds": "x"}', '{"train_seconds": NaN}', "{"]
)
def test_time_starts_anew_where_the_clock_is_damaged(tmp_path, text):
    path = tmp_path / "clock.json"
    path.write_text(text, encoding="utf-8")
    assert Clock.read(path) is None


def test_a_run_of_other_images_is_not_evaluated(tmp_path):
    """The rows, sizes or classes of its files are not those of the data."""
    run = make_run(tmp_path, "digits")
    config = run.path / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("source: cifar10", "source: digits")
    config.write_text(text, encoding="utf-8")
    (run.path / "preprocessing.json").write_text(
        json.dumps({"mean": [0], "std": [1], "image_size": [8, 8], "resize": "x", "mirror": False})
    )
    facts = json.loads((run.path / "split.json").read_text(encoding="utf-8"))["dataset"]
    dataset = open_run(run.path).typed_config().data.source
    assert dataset == "digits"
    from cnnlab.data import open_dataset

    fingerprint = open_dataset("digits").fingerprint
    again = changed(run, "split.json", dataset=facts | {"fingerprint": fingerprint})
    with pytest.raises(RunError, match=r"preprocessing.json: does not fit"):
        evaluate(again, "validation")
    far = changed(again, "split.json", validation=[10**6])
    with pytest.raises(RunError, match=r"split.json: does not fit"):
        evaluate(far, "validation")


def test_a_report_names_the_key_that_a_file_lacks(run):
    from cnnlab.reports import build_document

    (run.path / "environment.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match="'choices' is missing"):
        build_document([run])
