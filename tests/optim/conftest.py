"""Keras, on its torch backend, is the oracle of Adam and Adamax."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The tensors here are small: on a busy machine more threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def keras() -> ModuleType:
    os.environ["KERAS_BACKEND"] = "torch"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's own imports warn; ours may not
        import keras

    assert keras.backend.backend() == "torch"
    return keras
