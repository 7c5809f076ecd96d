"""How many images a second each corruption makes, and what they look like.

``python benchmarks/corruptions.py --data cifar10-jpeg --sheet corruptions.png``
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import cnnlab
from cnnlab.data.corruptions import SEVERITIES, Corruption, chosen_corruptions, corrupt

_BLOCK = 250
#: Corruptions one below the other in each half of the sheet, and how large a pixel is drawn.
_ROWS, _ZOOM, _GAP = 8, 2, 2


def rates(images: NDArray[np.uint8], entry: Corruption) -> list[float]:
    """Images a second of one thread at each severity, after one block to warm up."""
    measured = []
    for severity in SEVERITIES:
        corrupt(images[:_BLOCK], entry.name, severity, np.arange(len(images[:_BLOCK])))
        begin = time.perf_counter()
        for start in range(0, len(images), _BLOCK):
            block = images[start : start + _BLOCK]
            corrupt(block, entry.name, severity, np.arange(start, start + len(block)))
        measured.append(len(images) / (time.perf_counter() - begin))
    return measured


def sheet(images: NDArray[np.uint8]) -> Image.Image:
    """One image a corruption: as it is, then at each severity; two columns of corruptions."""
    lines = []
    for number, entry in enumerate(chosen_corruptions()):
        image = images[number : number + 1]
        row = [image, *(corrupt(image, entry.name, s, np.array([number])) for s in SEVERITIES)]
        margin = ((_GAP, _GAP), (_GAP, _GAP), (0, 0))
        lines.append(np.hstack([np.pad(cell[0], margin, constant_values=255) for cell in row]))
    lines += [np.full_like(lines[0], 255)] * (2 * _ROWS - len(lines))
    whole = np.hstack([np.vstack(lines[:_ROWS]), np.vstack(lines[_ROWS:])])
    size = (whole.shape[1] * _ZOOM, whole.shape[0] * _ZOOM)
    return Image.fromarray(whole).resize(size, Image.Resampling.NEAREST)


def main() -> None:
    """Measure and print; draw where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="shapes", help="a dataset of 32x32 colour images")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--sheet", type=Path, help="write examples to this PNG file")
    asked = parser.parse_args()
    dataset = cnnlab.open_dataset(asked.data)
    chosen = np.linspace(0, len(dataset.images) - 1, asked.images).astype(np.int64)
    images = np.ascontiguousarray(dataset.images[chosen])
    if asked.sheet is not None:
        step = max(1, len(images) // 16)
        sheet(images[::step]).save(asked.sheet, optimize=True)
    print(f"images/s of one thread, {len(images)} images of {dataset.images.shape[1:]}")
    total = 0.0
    for entry in chosen_corruptions():
        measured = rates(images, entry)
        total += sum(1 / rate for rate in measured)
        print(f"{entry.name:18}" + "".join(f"{rate:9,.0f}" for rate in measured), flush=True)
    print(f"all of them on 10,000 images: {total * 10_000:.0f} s of one thread")


if __name__ == "__main__":
    main()
