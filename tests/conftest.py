"""What every test stands on: nothing is written outside temporary folders, nothing is timed."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from small import write_images, write_model

# A busy machine is slow, not wrong.
settings.register_profile("cnnlab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("cnnlab"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "cnnlab")

_HOME = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before a test module is imported: Keras reads it, and writes, then."""
    config.stash[_HOME] = home = tempfile.TemporaryDirectory(prefix="cnnlab-tests-")
    for name in ("CNNLAB_HOME", "KERAS_HOME", "MPLCONFIGDIR"):
        folder = Path(home.name, name.lower())
        folder.mkdir()
        os.environ[name] = str(folder)
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ["MPLBACKEND"] = "Agg"
    # The tensors here are small: more threads would only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # What is exact here is exact on a processor; tests/training/test_gpu_training.py has its own.
    if not os.environ.get("CNNLAB_TEST_GPU"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the tests left behind."""
    config.stash[_HOME].cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first: the last one running would keep a core idle."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 120 learnable images in three classes."""
    return write_images(tmp_path_factory.mktemp("data") / "stripes")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network's YAML file."""
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of MLflow's, to be copied: making its tables takes seconds."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def keras() -> ModuleType:
    """Keras on its torch backend, the oracle of layers, models and optimizers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's own imports warn; ours may not
        import keras

    assert keras.backend.backend() == "torch"
    return keras


@pytest.fixture(scope="session")
def operators_read_once() -> Iterator[None]:
    """torch parses the sources of 500 operators anew for every export, half of its time."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    with pytest.MonkeyPatch.context() as patch:
        read = cache(ONNXRegistry.from_torchlib)
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(read))
        yield
