"""Training on a folder of small images."""

import pytest

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
