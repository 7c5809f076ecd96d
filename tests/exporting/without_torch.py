"""Runs ONNX files in a process in which torch and cnnlab cannot be imported.

``python without_torch.py IMAGES.npz ANSWERS.npz FILE.onnx ...``: IMAGES holds an array for each
file, by its stem; ANSWERS gets logits and probabilities for every batch size: with the largest of
all images, with the others of the first 32.
"""

from __future__ import annotations

import sys

sys.modules["torch"] = sys.modules["cnnlab"] = None  # type: ignore[assignment]

from pathlib import Path  # noqa: E402 # after the doors are shut

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

SIZES = (1, 2, 7, 256)


def main() -> None:
    """Answer all images of all files."""
    images, found = np.load(sys.argv[1]), {}
    for file in map(Path, sys.argv[3:]):
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        for size in SIZES:
            pixels = images[file.stem][: None if size == SIZES[-1] else 32]
            parts = [
                session.run(["logits", "probabilities"], {"images": pixels[start : start + size]})
                for start in range(0, len(pixels), size)
            ]
            for kind, each in zip(
                ("logits", "probabilities"), zip(*parts, strict=True), strict=True
            ):
                found[f"{file.stem}/{size}/{kind}"] = np.concatenate(each)
    np.savez(sys.argv[2], **found)


if __name__ == "__main__":
    main()
