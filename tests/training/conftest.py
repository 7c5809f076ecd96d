"""Training on a folder of small images."""

import shutil

import numpy as np
import pytest
from PIL import Image
from small import write_images
from starting import settings_of

from cnnlab.runs import open_run
from cnnlab.training.loop import train
from cnnlab.workflows.configure import configure


@pytest.fixture
def fit(images, tiny_model, tmp_path):
    """Train on the small folder; keyword arguments are settings."""

    def run(watch=lambda event: None, *, source=images, name=None, **settings):
        training = {"epochs": 3, "batch_size": 16, **settings.pop("training", {})}
        config = configure(
            settings={
                "data": {"source": str(source), **settings.pop("data", {})},
                "model": {"name": str(tiny_model)},
                "training": training,
                "optimizer": {"name": "adam", "lr": 0.01},
                "device": "cpu",
                "threads": 1,
                **({"name": name} if name else {}),
                **settings,
            }
        )
        return train(config, tmp_path / "runs", watch)

    return run


@pytest.fixture(scope="module")
def trained(images, tiny_model, tmp_path_factory):
    """A run on three classes; tests that change it make a copy."""
    config = configure(settings=settings_of(images, {"name": str(tiny_model)}))
    return train(config, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Other images, brighter, of two classes that the run knows and one that it does not."""
    folder = write_images(tmp_path_factory.mktemp("pets") / "pets", each=20, seed=9)
    (folder / "class 0").rename(folder / "zebra")
    for path in folder.glob("*/*.png"):
        pixels = np.asarray(Image.open(path)) // 2 + 120
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return folder


@pytest.fixture
def base(trained, tmp_path):
    """A copy of the run on three classes."""
    shutil.copytree(trained.path, tmp_path / "base")
    return open_run(tmp_path / "base")


@pytest.fixture
def start(base, pets, tmp_path):
    """Start a training from the base run; keyword arguments are settings."""

    def run(watch=lambda event: None, *, source=pets, model=None, init=(), **settings):
        asked = settings_of(source, model, **settings)
        asked["init"] = {"run": str(base.path), **dict(init)}
        return train(configure(settings=asked), tmp_path / "runs", watch)

    return run
