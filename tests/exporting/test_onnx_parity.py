"""Every network says the same from its ONNX file, in processes without torch.

``docs/examples/predict_onnx.py`` is one of them; it reads image files as cnnlab does.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_bundles import Case, bundle_of_network
from PIL import Image
from scipy.special import softmax

from cnnlab.bundle import bundle_of
from cnnlab.exporting import Exported, OnnxModel, export
from cnnlab.models import LAYERS, MODELS, Architecture
from cnnlab.models.layers.arguments import ACTIVATIONS
from cnnlab.runs import Run

pytestmark = pytest.mark.long

SIZES = (1, 2, 7, 256)
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "predict_onnx.py"
#: Shuts the doors, then runs the script as a user does.
RUN = """
import runpy, sys
sys.modules["torch"] = sys.modules["cnnlab"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _images(shape: tuple[int, int, int], count: int = 256) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, *shape), dtype=np.uint8)


def _check(logits: np.ndarray, expected: np.ndarray) -> None:
    """Hard case 24, in its own words."""
    assert np.abs(logits - expected).max() <= 1e-4
    ordered = np.sort(expected, axis=1)
    decided = ordered[:, -1] - ordered[:, -2] > 2e-4
    assert decided.mean() > 0.9
    np.testing.assert_array_equal(logits.argmax(1)[decided], expected.argmax(1)[decided])


@pytest.fixture(scope="session")
def answers(
    zoo: Callable[[str], Case], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, np.ndarray]:
    """What all models' files say of their images, from one process without torch."""
    folder = tmp_path_factory.mktemp("answers")
    cases = {name: zoo(name) for name in MODELS}
    images = {name: _images(case.bundle.input_shape) for name, case in cases.items()}
    np.savez(folder / "images.npz", **images)
    files = [case.exported.path for case in cases.values()]
    script = Path(__file__).with_name("without_torch.py")
    command = [sys.executable, script, folder / "images.npz", folder / "answers.npz", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return dict(np.load(folder / "answers.npz"))


@pytest.mark.parametrize("name", MODELS.names())
def test_case_24_every_model_says_the_same_without_torch(
    name: str, zoo: Callable[[str], Case], answers: Mapping[str, np.ndarray]
) -> None:
    bundle = zoo(name).bundle
    expected = bundle.logits(_images(bundle.input_shape))
    assert expected.std(axis=0).min() > 1e-3, "the images must make a difference"
    for size in SIZES:
        logits = answers[f"{name}/{size}/logits"]
        assert len(logits) == (256 if size == 256 else 32)
        _check(logits, expected[: len(logits)])
        probabilities = answers[f"{name}/{size}/probabilities"]
        np.testing.assert_allclose(probabilities, softmax(logits / 1.5, axis=1), atol=1e-6)


@pytest.mark.parametrize("name", MODELS.names())
def test_the_certificate_says_so_too(name: str, zoo: Callable[[str], Case]) -> None:
    certificate = zoo(name).exported.certificate
    assert certificate.parity.holds
    assert [batch.batch_size for batch in certificate.parity.batches] == list(SIZES)
    assert (certificate.split, certificate.images, certificate.top1) == ("generated", 64, None)


@pytest.mark.parametrize("form", ["grey", "colour", "wide"])
def test_case_24_images_of_every_form(
    form: str, forms: Callable[[str], tuple[Run, Exported]]
) -> None:
    run, exported = forms(form)
    bundle = bundle_of(run)
    images = _images(bundle.input_shape, 64)
    model = OnnxModel(exported.path)
    for size in SIZES:
        parts = [model(images[start : start + size])[0] for start in range(0, len(images), size)]
        _check(np.concatenate(parts), bundle.logits(images))
    rows, dataset = run.split["validation"], run.open_dataset()
    said = exported.certificate
    assert (said.split, said.images) == ("validation", len(rows))
    right = bundle.logits(dataset.images[rows]).argmax(1) == dataset.labels[rows]
    assert said.top1 == right.mean()


#: One after the other they take maps of uneven sides, so that paddings are uneven, too.
_LAYERS: list[dict[str, Any]] = [
    {"type": "Rescaling", "scale": 1.5, "offset": 0.1},
    {"type": "ZeroPadding2D", "padding": [[1, 0], [2, 1]]},
    {"type": "Conv2D", "filters": 16, "kernel_size": 3, "strides": 2, "padding": "same"},
    {"type": "BatchNormalization", "scale": False},
    {"type": "BatchNormalization", "center": False},
    {"type": "DepthwiseConv2D", "kernel_size": 3, "padding": "same", "depth_multiplier": 2},
    {"type": "LeakyReLU"},
    {"type": "SeparableConv2D", "filters": 16, "kernel_size": 2, "padding": "same"},
    {"type": "LayerNormalization", "center": False, "epsilon": 0.5},
    {"type": "AveragePooling2D", "pool_size": 2, "strides": 1, "padding": "same"},
    {"type": "MaxPooling2D", "pool_size": 2, "padding": "same"},
    {"type": "AveragePooling2D", "pool_size": 3, "strides": 1, "padding": "same"},
    {"type": "ReLU", "max_value": 6, "negative_slope": 0.1, "threshold": 0.2},
    {"type": "SpatialDropout2D", "rate": 0.2},
    {"type": "Dense", "units": 24},
    {"type": "GlobalMaxPooling2D", "keepdims": True},
    {"type": "GlobalAveragePooling2D", "keepdims": True},
    {"type": "Flatten"},
    {"type": "Dropout", "rate": 0.2},
    *(
        layer
        for name in sorted(ACTIVATIONS, key="softmax".__eq__)  # which leaves least, so it is last
        for layer in (
            {"type": "Activation", "activation": name},
            {"type": "Dense", "units": 24, "kernel_initializer": "he_normal"},
        )
    ),
    {"type": "LayerNormalization", "scale": False},
    {"type": "Dense", "units": "classes"},
]


def test_every_layer_and_activation_can_be_exported(tmp_path: Path) -> None:
    assert {layer["type"] for layer in _LAYERS} == set(LAYERS.names())
    architecture = Architecture(
        name="everything", input_shape=(15, 13, 3), classes=4, layers=tuple(_LAYERS)
    )
    bundle = bundle_of_network(architecture, tmp_path, scale=5)
    model = OnnxModel(export(bundle.source, tmp_path / "everything.onnx").path)
    coarse = _images((4, 4, 3), 32)
    images = np.ascontiguousarray(coarse.repeat(4, axis=1).repeat(4, axis=2)[:, :15, :13])
    expected = bundle.logits(images)
    assert expected.std(axis=0).min() > 2e-3, "the images must make a difference"
    _check(model(images)[0], expected)


def test_logits_of_ten_thousand_are_held_to_their_last_places(tmp_path: Path) -> None:
    layers = (
        {"type": "Conv2D", "filters": 8, "kernel_size": 3, "activation": "relu"},
        {"type": "Flatten"},
        {"type": "Dense", "units": "classes"},
    )
    architecture = Architecture(name="loud", input_shape=(9, 9, 1), classes=3, layers=layers)
    bundle = bundle_of_network(architecture, tmp_path, scale=2e4)
    exported = export(bundle.source, tmp_path / "loud.onnx")
    images = _images((9, 9, 1))
    expected = bundle.logits(images)
    logits, probabilities = OnnxModel(exported.path)(images)
    assert np.abs(expected).max() > 1e4
    limit = 32 * np.spacing(np.abs(expected).max(axis=1, keepdims=True))
    assert (np.abs(logits - expected) <= np.maximum(1e-4, limit)).all()
    assert np.isfinite(probabilities).all()
    exact = softmax(logits.astype(float) / 1.5, axis=1)
    np.testing.assert_allclose(probabilities, exact, atol=1e-5)


def _pictures(folder: Path) -> list[Path]:
    """Pictures of the usual kinds, and some that are decoded wrongly without care."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    photo = Image.fromarray(coarse).resize((640, 426), Image.Resampling.BICUBIC)
    made: dict[str, tuple[Image.Image, dict[str, object]]] = {
        "photo.jpg": (photo, {"quality": 85}),
        "exact.png": (photo.resize((20, 12)), {}),
        "grey.png": (photo.convert("L"), {}),
        "cmyk.jpg": (photo.convert("CMYK"), {}),
    }
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        made[f"turned-{orientation}.jpg"] = (photo.resize((90, 60)), {"exif": exif})
    clear = photo.resize((50, 50)).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((50, 50)))
    made["clear.png"] = (clear, {})
    made["clear.webp"] = (clear, {"lossless": True})
    palette = photo.resize((40, 40)).quantize(16)
    made["palette.png"] = (palette, {"transparency": 3})
    deep = (np.arange(900, dtype=np.uint16).reshape(30, 30) * 70).astype(np.uint16)
    made["deep.png"] = (Image.fromarray(deep), {})
    deep[:20] = 300
    made["deep-clear.png"] = (Image.fromarray(deep), {"transparency": 300})
    for name, (picture, options) in made.items():
        picture.save(folder / name, **options)  # type: ignore[arg-type]
    return [folder / name for name in made]


@pytest.mark.parametrize("form", ["wide", "grey"])
def test_the_example_gives_the_classes_and_probabilities_of_the_run(
    form: str, forms: Callable[[str], tuple[Run, Exported]], tmp_path: Path
) -> None:
    run, exported = forms(form)
    bundle, model = bundle_of(run), exported.path
    pictures = _pictures(tmp_path)
    pixels = np.stack([bundle.read_image(path.read_bytes(), path) for path in pictures])
    shares = bundle.probabilities(bundle.logits(pixels))
    names = [bundle.class_names[best] for best in shares.argmax(axis=1)]
    command = [sys.executable, "-c", RUN, EXAMPLE, model, *pictures]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == [
        f"{path}: {name}" for path, name in zip(pictures, names, strict=True)
    ]
    said = [float(line[1]) for line in lines]
    np.testing.assert_allclose(said, shares.max(axis=1), atol=1e-4)


def test_the_example_says_how_it_is_used() -> None:
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("usage:")
