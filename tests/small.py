"""A folder of small images that a small network learns in seconds, and such a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

MODEL = """
name: tiny
layers:
  - {type: Conv2D, filters: 8, kernel_size: 3, padding: same}
  - {type: BatchNormalization}
  - {type: Activation, activation: relu}
  - {type: MaxPooling2D, pool_size: 2}
  - {type: Dropout, rate: 0.1}
  - {type: Flatten}
  - {type: Dense, units: classes}
"""


def write_images(folder: Path, *, classes: int = 3, each: int = 40, seed: int = 0) -> Path:
    """Class folders of 12 x 12 colour images; a class is where a bright stripe lies."""
    generator = np.random.default_rng(seed)
    for label in range(classes):
        place = folder / f"class {label}"
        place.mkdir(parents=True)
        for number in range(each):
            image = generator.integers(0, 120, (12, 12, 3), dtype=np.uint8)
            row = label * 12 // classes + int(generator.integers(0, 2))
            image[row : row + 2] = 230
            Image.fromarray(image).save(place / f"{number:03d}.png")
    return folder


def write_model(folder: Path) -> Path:
    """The small network's YAML file."""
    path = folder / "tiny.yaml"
    path.write_text(MODEL, encoding="utf-8")
    return path
