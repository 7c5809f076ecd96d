"""Keras, on its torch backend, is the oracle of Adam and Adamax."""

from __future__ import annotations

import os
import warnings
from types import ModuleType

import pytest
import torch

torch.set_num_threads(2)


@pytest.fixture(scope="session")
def keras() -> ModuleType:
    os.environ["KERAS_BACKEND"] = "torch"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's own imports warn; ours may not
        import keras

    assert keras.backend.backend() == "torch"
    return keras
