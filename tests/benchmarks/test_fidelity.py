"""The comparison with Keras: small trainings of both sides, and that it sees a mistake."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import draws
import fidelity
import keras_worker
import lockstep
import numpy as np
import pytest
import torch
from harness.records import read_records
from small import MODEL
from versus_keras import jobs as fidelity_jobs
from versus_keras.jobs import Setting
from versus_keras.layers import keras_model
from versus_keras.peer import KerasPeer

from cnnlab.errors import ConfigError, FailedError

pytestmark = pytest.mark.long

Record = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """A worker's answer that is there already."""

    answer: Record

    def result(self) -> Record:
        return self.answer


@dataclass(frozen=True)
class KerasHere:
    """Does the worker's jobs in this process, which has paid for importing Keras."""

    keras: ModuleType
    backend: str = "torch"
    threads: int = 1

    def start(self, job: Record, folder: Path, name: str) -> Answered:
        try:
            with np.load(job["arrays"]) as arrays, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras's own
                answer = keras_worker.KINDS[job["kind"]](self.keras, job, arrays)
        finally:
            self.keras.config.set_floatx("float32")
            self.keras.config.set_dtype_policy("float32")
        return Answered({**answer, "versions": {}})


TRAINING = """
training:
  mode: sequential
  stage_size: 30
  stages: 2
  epochs: 2
  batch_size: 8
  inner_validation: 0.2
  early_stopping: {patience: 3}
optimizer: {name: adamax, lr: 0.01, weight_decay: 0.0001}
normalization: unit
"""


@pytest.fixture(scope="module")
def trained_as_the_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network whose file says how it is trained."""
    path = tmp_path_factory.mktemp("model") / "small.yaml"
    path.write_text(MODEL.replace("tiny", "small") + TRAINING, encoding="utf-8")
    return path


@pytest.fixture
def setting(trained_as_the_zoo: Path, images: Path) -> Setting:
    return Setting(str(trained_as_the_zoo), str(images), train=60, validation=40, epochs=2)


@pytest.mark.parametrize(
    "backend",
    [
        "torch",
        pytest.param(
            "tensorflow",
            marks=pytest.mark.skipif(
                find_spec("tensorflow") is None, reason="TensorFlow is not installed"
            ),
        ),
    ],
)
def test_both_sides_train_once_and_the_report_is_written(
    backend: str,
    setting: Setting,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out, target = tmp_path / "out", tmp_path / "docs" / "fidelity.md"
    command = [f"--out={out}", f"--models={setting.model}", f"--data={setting.data}"]
    command += ["--train=60", "--validation=40", "--epochs=2", f"--backend={backend}"]

    assert fidelity.main([*command, "--seeds=1"]) == 0
    first = (out / "records.jsonl").read_bytes()
    assert fidelity.main([*command, "--seeds=1"]) == 0  # skips what is recorded
    assert (out / "records.jsonl").read_bytes() == first
    assert fidelity.main([f"--out={out}", f"--report={target}"]) == 0

    assert capfd.readouterr().err == ""
    ours, theirs = read_records(out / "records.jsonl")
    assert (ours["side"], theirs["side"]) == ("cnnlab", f"keras-{backend}")
    for key in ("model", "train", "epochs", "seed", "rows", "parameters"):
        assert ours[key] == theirs[key]
    for record in (ours, theirs):
        assert [(line["stage"], line["epoch"]) for line in record["curves"]] == [
            (stage, epoch) for stage in (1, 2) for epoch in (1, 2)
        ]
        assert all(0 < line["train_loss"] < 10 for line in record["curves"])
        last = record["curves"][2:]
        best = min(last, key=lambda line: line["inner_loss"])
        assert record["chosen_epoch"] == {"stage": 2, "epoch": best["epoch"]}
        assert record["validation"]["n"] == 40
    text = target.read_text(encoding="utf-8")
    assert f"| keras-{backend} | {100 * theirs['validation']['accuracy']:.2f} |" in text
    assert (target.parent / "figures" / "fidelity-once.svg").stat().st_size < 300_000


@pytest.mark.parametrize(("factor", "agree"), [(1.0, True), (1.01, False)])
def test_lockstep_holds_and_sees_a_rate_that_is_one_percent_off(
    keras: ModuleType,
    factor: float,
    agree: bool,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # On torch, Keras computes batch normalization in single precision.
    model = tmp_path / "plain.yaml"
    text = MODEL.replace("  - {type: BatchNormalization}\n", "") + TRAINING
    model.write_text(text, encoding="utf-8")
    made = fidelity_jobs.keras_job

    def job(*arguments: Any) -> Record:
        changed = made(*arguments)
        changed["optimizer"]["arguments"]["learning_rate"] *= factor
        return changed

    monkeypatch.setattr(lockstep, "keras_job", job)
    setting = Setting(str(model), str(images), train=60, validation=20, epochs=1)
    record = lockstep.compare_steps(setting, KerasHere(keras), tmp_path)

    gap = np.abs(np.subtract(record["cnnlab"]["losses"], record["keras"]["losses"]))
    assert len(gap) == 6  # two stages of 24 images in batches of 8
    assert record["engine_apart"] < 1e-6
    assert bool(gap.max() < 1e-6) is agree
    assert bool(record["weights_apart"] < 1e-6) is agree
    assert gap[0] < 1e-6  # the first loss is taken before any step


def test_draws_of_a_model_agree(keras: ModuleType, setting: Setting, tmp_path: Path) -> None:
    record = draws.compare_draws(setting, KerasHere(keras), tmp_path)
    assert record["other_weights_equal"]
    for kernel in record["kernels"]:
        assert kernel["p_value"] > 1e-3
        assert all(0.9 < share <= 1 for share in kernel["largest"])
    [ours], [theirs] = (side.values() for side in record["dropout"].values())
    assert ours["scale"] == pytest.approx(theirs["scale"], rel=1e-6)
    assert ours["kept"] == pytest.approx(theirs["kept"], abs=0.01)
    assert ours["units"] == theirs["units"] == 256 * 6 * 6 * 8


def test_keras_gives_our_logits_with_our_weights(keras: ModuleType, setting: Setting) -> None:
    material = fidelity_jobs.prepare(setting.settings(seed=0, threads=1))
    network = material.architecture.build().eval()
    generator = torch.Generator().manual_seed(0)
    for tensor in network.state_dict().values():
        tensor.uniform_(0.2, 1.0, generator=generator)  # statistics, too, and none of them alike
    job = fidelity_jobs.keras_job(material, "lockstep", 0)
    theirs = keras_model(keras, job["layers"], job["input_shape"], classes=job["classes"])
    weights = lockstep.keras_weights(network)
    for layer in theirs.layers:
        for weight in layer.weights:
            if "seed" not in weight.name:
                weight.assign(weights.pop(f"{layer.name}/{weight.name}"))
    assert not weights

    shown = np.random.default_rng(0).uniform(0, 1, (3, *job["input_shape"])).astype("float32")
    expected = theirs(shown, training=False).detach().numpy()
    with torch.inference_mode():
        got = network(torch.from_numpy(shown).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert np.ptp(expected) > 0.1


def test_dropout_facts_tell_channels_from_single_values() -> None:
    ones = np.ones((4, 2, 2, 8))
    channels = np.array([0.0, 2.0] * 4) * ones
    assert keras_worker.dropout_facts(channels) == {
        "kept": 0.5,
        "scale": 2.0,
        "one_scale": True,
        "whole_channels": True,
        "units": 32,
    }
    single = ones * 2
    single[0, 0, 0, 0] = 0
    assert keras_worker.dropout_facts(single)["whole_channels"] is False
    assert keras_worker.dropout_facts(single)["units"] == 128


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"schedule": {"name": "linear"}}, "schedule"),
        ({"normalization": "standard"}, "normalization"),
        ({"optimizer": {"name": "muon"}}, "optimizer.name"),
        ({"training": {"label_smoothing": 0.1}}, "training.label_smoothing"),
        ({"training": {"augment": {"flip": "random"}}}, "training.augment"),
        ({"training": {"keep_optimizer": True}}, "training.keep_optimizer"),
        ({"training": {"early_stopping": {"monitor": "accuracy"}}}, "training.early_stopping"),
    ],
)
def test_what_keras_is_not_told_is_refused(
    setting: Setting, change: dict[str, Any], named: str
) -> None:
    settings = setting.settings(seed=0, threads=1)
    for part, value in change.items():
        settings[part] = settings.get(part, {}) | value if isinstance(value, dict) else value
    with pytest.raises(ConfigError, match=named.replace(".", r"\.")):
        fidelity_jobs.keras_job(fidelity_jobs.prepare(settings), "fit", 0)


def test_a_worker_that_fails_is_named_with_its_log(setting: Setting, tmp_path: Path) -> None:
    peer = KerasPeer(Path("/bin/false"), "torch")
    with pytest.raises(FailedError, match=r"fit\.log"):
        peer.start({"kind": "fit"}, tmp_path, "fit").result()
