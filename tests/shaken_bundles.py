"""Bundles whose numbers would show a mistake of layout or order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from versus_keras.examples import shake_network

from cnnlab.bundle import Bundle, open_bundle

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)
ZOO = [f"model-{letter}" for letter in "abcdef"]


def shaken(bundle: Bundle, path: Path) -> Bundle:
    """A saved bundle whose biases and statistics are numbers that a mistake would show in."""
    shake_network(bundle.network, torch.Generator().manual_seed(4))
    replace(bundle, source=path).save(path)
    return open_bundle(path)
