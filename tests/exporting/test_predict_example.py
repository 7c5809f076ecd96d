"""``docs/examples/predict_onnx.py`` reads images as cnnlab does, without torch and cnnlab."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnlab.bundle import bundle_of
from cnnlab.exporting import Exported
from cnnlab.runs import Run

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "predict_onnx.py"
#: Shuts the doors, then runs the script as a user does.
RUN = """
import runpy, sys
sys.modules["torch"] = sys.modules["cnnlab"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


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
    for name, (picture, options) in made.items():
        picture.save(folder / name, **options)  # type: ignore[arg-type]
    return [folder / name for name in made]


@pytest.mark.parametrize("form", ["wide", "grey"])
def test_it_gives_the_classes_and_probabilities_of_the_run(
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


def test_it_says_how_it_is_used() -> None:
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("usage:")
