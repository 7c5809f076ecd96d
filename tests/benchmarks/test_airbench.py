"""cifar10-airbench's script on the processor: what is changed in it, and what is not found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from airbench_worker import Normalize, load_script, train
from harness.stopwatch import Stopwatch
from race.airbench_adaptation import adapted
from race.airbench_settings import AirbenchSettings, parse_settings
from small_airbench import SCRIPT, Clock, stripes, write_script

from cnnlab.errors import ConfigError, DataError

_CHANCE = 1 / 3


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The stand-in, which takes time where a test has a clock for it."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def _variables(script: Path, settings: str) -> dict[str, Any]:
    """What the script's main had in its variables at its end."""
    module = load_script(script, parse_settings(settings), stripes())
    found: dict[str, Any] = {}
    module.print_training_details = lambda variables, is_final_entry: found.update(variables)
    module.main(0, module.CifarNet())
    return found


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", (40, 4 * 3, 2 * 3, 0.25, 0.5, 0.1, 24)),
        ("epochs=1.5,batch=30", (30, 6, 6, 0.25, 0.5, 0.1, 24)),
        ("epochs=3,bias_lr=7,head_lr=8,lr=0.01", (40, 9, 6, 7, 8, 0.01, 24)),
        ("widths=8-16-32", (40, 12, 6, 0.25, 0.5, 0.1, 56)),
    ],
)
def test_settings_land_in_the_script_and_all_else_stays(
    settings: str, expected: tuple[float, ...], tmp_path: Path
) -> None:
    found = _variables(write_script(tmp_path), settings)
    group = found["optimizer2"].param_groups[0]
    assert (
        found["batch_size"],
        found["total_train_steps"],
        found["whiten_bias_train_steps"],
        found["bias_lr"],
        found["head_lr"],
        group["lr"],
        found["model"].hidden.out_features,
    ) == expected
    assert found["step"] == expected[1]
    assert (group["momentum"], group["nesterov"]) == (0.9, True)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_half_precision_becomes_the_wanted_one(
    precision: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    found = _variables(write_script(tmp_path), f"precision={precision}")
    assert found["train_loader"].images.dtype == dtype
    assert {value.dtype for value in found["model"].parameters()} == {torch.float32}
    settings = parse_settings(f"precision={precision}")
    module = load_script(write_script(tmp_path), settings, stripes())
    gradient = torch.ones(2, 3)
    update = module.zeropower_via_newtonschulz5(gradient)
    update /= 2  # as the script does: the gradient must not change with it
    assert (update.dtype, gradient.sum()) == (dtype, 6)


def test_only_training_is_on_the_clock(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock().install(monkeypatch)
    answer = train(script, parse_settings("epochs=2"), stripes(), seed=0)
    # The network 20, the training images 10, three steps an epoch of 1 each; no test image.
    assert [point["seconds"] for point in answer["curve"]] == [33, 36]
    assert [point["own_seconds"] for point in answer["curve"]] == [3, 6]
    assert (answer["seconds"], answer["own_seconds"]) == (36, 6)
    assert answer["accuracy"] == answer["curve"][1]["accuracy"]
    assert answer["accuracy_tta"] == answer["accuracy"] / 2
    assert answer["parameters"] == 33 * 24 + 25 * 10


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_learns_and_a_seed_decides_everything(precision: str, tmp_path: Path) -> None:
    settings = parse_settings(f"epochs=20,precision={precision}")
    first, again, other = (
        train(write_script(tmp_path), settings, stripes(), seed=seed) for seed in (0, 0, 1)
    )

    def accuracies(answer: dict[str, Any]) -> list[float]:
        return [point["accuracy"] for point in answer["curve"]]

    assert first["accuracy"] > _CHANCE + 0.3
    assert accuracies(first) == accuracies(again) != accuracies(other)


@pytest.mark.parametrize(
    ("there", "instead", "named"),
    [
        ("@torch.compile\n", "", "decorator torch.compile"),
        ("torch.cuda.synchronize()", "pass", "torch.cuda"),
        ("os.path.exists(file)", "True", "os.path.exists"),
        ("torch.load(", "torch.read(", "torch.load"),
        ('["images"].half()', '["images"].float()', "half() in CifarLoader.__init__"),
        ("layer.half()", "layer.double()", "half() in CifarNet.__init__"),
        ("matrix.bfloat16()", "matrix", "bfloat16() in zeropower_via_newtonschulz5"),
        ("one=16, ", "", "3 numbers of widths in CifarNet.__init__"),
        ("batch_size = 40", "batch_size = size", "1 number of batch_size in main"),
        ("train_loader) * 4", "train_loader) * 4 + 1", "total_train_steps in main"),
        ("lr=0.1, ", "", "1 number in lr= of optimizer2 in main"),
        ("def evaluate(", "def measure(", "definition of evaluate"),
        ("def main(", "def begin(", "definition of main"),
    ],
)
def test_another_script_is_refused_in_one_line(
    there: str, instead: str, named: str, script: Path
) -> None:
    assert SCRIPT.count(there) == 1
    script.write_text(SCRIPT.replace(there, instead), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        adapted(script, AirbenchSettings())
    line = str(caught.value)
    assert named in line
    assert str(script) in line
    assert "airbench94_muon.py" in line
    assert "\n" not in line


@pytest.mark.parametrize("text", ["def main(:", "\0"])
def test_what_is_no_script_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="is no Python"):
        adapted(path, AirbenchSettings())
    with pytest.raises(DataError, match="cannot be read: No such file"):
        adapted(tmp_path / "other.py", AirbenchSettings())


def test_settings_are_read_and_written_alike() -> None:
    text = "widths=32-64-128,epochs=0.5,batch=500,precision=bf16,layout=contiguous,MALLOC_X_=9"
    settings = parse_settings(text)
    assert settings == AirbenchSettings(
        widths=(32, 64, 128),
        epochs=0.5,
        batch=500,
        precision="bf16",
        layout="contiguous",
        environment=(("MALLOC_X_", "9"),),
    )
    assert settings.text == settings.label == text
    assert parse_settings("") == AirbenchSettings()
    assert AirbenchSettings().label == "as it is"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("width=1-2-3", "no setting 'width'"),
        ("widths=1-2", "three numbers"),
        ("epochs=many", "a number"),
        ("batch=0.5", "a whole number"),
        ("batch=0", "more than 0"),
        ("epochs=inf", "more than 0"),
        ("lr=nan", "more than 0"),
        ("precision=fp16", "fp32 or bf16"),
    ],
)
def test_wrong_settings_are_named(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        parse_settings(text)


def test_normalize_is_arithmetic() -> None:
    images = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    mean, std = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([1.0, 2.0, 4.0])
    expected = (images.permute(0, 2, 3, 1).numpy() - mean.numpy()) / std.numpy()
    got = Normalize(mean, std)(images).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert images.max() <= 1  # what it was given stays


def test_a_stopwatch_leaves_pauses_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(now=5)
    clock.install(monkeypatch)
    watch = Stopwatch()
    clock.sleep(1)
    with watch.paused():
        clock.sleep(10)
    clock.sleep(100)
    assert (watch.seconds, watch.off_seconds) == (101, 10)


def _parameters(widths: tuple[int, int, int]) -> int:
    """By hand: whitening, six 3x3 convolutions with two numbers a channel each, the head."""
    inside = (24, *widths)
    blocks = sum(9 * a * b + 9 * b * b + 4 * b for a, b in zip(inside, widths, strict=False))
    return 24 * 3 * 4 + 24 + blocks + 10 * widths[2]


@pytest.mark.skipif(
    "CNNLAB_AIRBENCH" not in os.environ, reason="CNNLAB_AIRBENCH names no airbench94_muon.py"
)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_real_script_learns(precision: str) -> None:
    script, arrays = Path(os.environ["CNNLAB_AIRBENCH"]), stripes()
    network = load_script(script, AirbenchSettings(), arrays).CifarNet()
    assert sum(value.numel() for value in network.parameters()) == _parameters((64, 256, 256))
    settings = parse_settings(f"widths=8-16-16,epochs=6,batch=20,precision={precision}")
    answer = train(script, settings, arrays, seed=0)
    assert answer["parameters"] == _parameters((8, 16, 16))
    assert len(answer["curve"]) == 6
    assert answer["accuracy"] > _CHANCE + 0.3
