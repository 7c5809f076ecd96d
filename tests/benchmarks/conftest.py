"""What a race in miniature needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small import MODEL
from small_airbench import stripes, write_script

_RECIPE = """
data: {source: digits, test: 0.9}
model: {name: fastnet, params: {widths: [8, 8], depths: [1, 1]}}
mirror: true
optimizer: {name: muon}
training: {epochs: 8, batch_size: 20, weights: last}
"""
_KERAS = MODEL + "training: {epochs: 9, batch_size: 8}\nnormalization: unit\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Images, a recipe, a model for Keras and a stand-in for airbench's script."""
    (tmp_path / "small.yaml").write_text(_RECIPE, encoding="utf-8")
    (tmp_path / "model.yaml").write_text(_KERAS, encoding="utf-8")
    found = stripes()
    names = {"x": "images", "y": "labels"}
    arrays = {f"{x}_{p}": found[f"{p}_{y}"] for x, y in names.items() for p in ("train", "test")}
    np.savez(tmp_path / "stripes.npz", **arrays)
    write_script(tmp_path)
    return tmp_path
