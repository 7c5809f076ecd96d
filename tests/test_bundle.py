"""A bundle gives what its run gives, and refuses what it is not."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_runs import make_run

from cnnlab.bundle import BUNDLE_VERSION, Bundle, bundle_of, open_bundle
from cnnlab.errors import DataError, RunError
from cnnlab.inference import Preprocessing, load_network, predict_logits, read_tensors
from cnnlab.runs import Run
from cnnlab.settings import dump_yaml
from cnnlab.training.checkpoint import save_tensors


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "runs", "pets")


def _images(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def _saved(run: Run, folder: Path) -> Path:
    path = folder / "pets.safetensors"
    bundle_of(run).save(path)
    return path


def _changed(path: Path, **changes: object) -> Path:
    tensors, header = read_tensors(path)
    save_tensors(path, tensors, {**header, **changes})
    return path


def test_a_run_and_its_file_give_the_logits_that_evaluation_gives(run: Run, tmp_path: Path) -> None:
    expected = predict_logits(
        load_network(run), _images(), Preprocessing.from_dict(run.preprocessing)
    )
    opened = open_bundle(_saved(run, tmp_path))
    np.testing.assert_array_equal(bundle_of(run).logits(_images()), expected)
    np.testing.assert_array_equal(opened.logits(_images()), expected)
    assert opened.class_names == ("cat", "dog")
    assert opened.origin["dataset_fingerprint"] == run.split["dataset"]["fingerprint"]


def test_a_run_is_opened_by_its_name_too(run: Run, tmp_path: Path) -> None:
    assert open_bundle("pets", runs=tmp_path / "runs").name == "pets"


def test_probabilities_are_at_the_temperature(run: Run) -> None:
    bundle = bundle_of(run)
    logits = np.array([[1.0, -1.0]])
    warm = Bundle(**{**vars(bundle), "temperature": 2.0})
    np.testing.assert_allclose(warm.probabilities(logits)[0, 0], 1 / (1 + np.exp(-1.0)))
    cold = Bundle(**{**vars(bundle), "temperature": None})
    np.testing.assert_allclose(cold.probabilities(logits)[0, 0], 1 / (1 + np.exp(-2.0)))


def test_an_image_of_any_size_and_mode_is_brought_to_the_network(run: Run) -> None:
    stream = io.BytesIO()
    Image.new("L", (31, 17), 200).save(stream, "png")
    pixels = bundle_of(run).read_image(stream.getvalue(), "grey.png")
    np.testing.assert_array_equal(pixels, np.full((8, 8, 3), 200, dtype=np.uint8))
    with pytest.raises(DataError, match=r"no image.*notes\.png|notes\.png.*no image"):
        bundle_of(run).read_image(b"text", "notes.png")


def test_a_file_for_another_program_says_how_to_come_by_a_bundle(tmp_path: Path) -> None:
    for name, said in (("a.onnx", "an ONNX file.*cnnlab export RUN --format bundle"),
                       ("a.keras", "a Keras model.*cnnlab import-keras")):  # fmt: skip
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(RunError, match=said):
            open_bundle(tmp_path / name)


def test_a_checkpoint_is_no_bundle(run: Run) -> None:
    with pytest.raises(RunError, match="a checkpoint, not a bundle"):
        open_bundle(run.best_weights)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": BUNDLE_VERSION + 1}, "upgrade cnnlab"),
        ({"version": None}, "bundle version None"),
        ({"class_names": ["cat"]}, "1 class names for 2 classes"),
        ({"temperature": -1}, "header is damaged"),
        ({"temperature": "hot"}, "header is damaged"),
        ({"architecture": {"name": "x"}}, "architecture is damaged"),
        ({"preprocessing": {"mean": [0]}}, "header is damaged"),
    ],
)
def test_a_header_that_cannot_be_is_refused(
    run: Run, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    path = _changed(_saved(run, tmp_path), **changes)
    with pytest.raises(RunError, match=said):
        open_bundle(path)


def test_a_flipped_bit_is_found(run: Run, tmp_path: Path) -> None:
    path = _saved(run, tmp_path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match="missing or damaged"):
        open_bundle(path)


def test_an_architecture_beyond_its_weights_is_not_built(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run from somebody else that declares a giant costs no memory."""
    giant = {**run.architecture().to_dict()}
    giant["layers"] = [{**giant["layers"][0], "filters": 60_000}, *giant["layers"][1:]]
    (run.path / "architecture.yaml").write_text(dump_yaml(json.loads(json.dumps(giant))))
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", pytest.fail)
    with pytest.raises(RunError, match="weights and architecture do not fit"):
        bundle_of(run)
