"""Jobs on small images, and a machine for two of them."""

from __future__ import annotations

import pytest
from sweeping import pretend_two_cores

from cnnlab.config import RunConfig
from cnnlab.workflows.configure import configure
from cnnlab.workflows.executors import Job


@pytest.fixture(scope="session")
def job_of(images, tiny_model, tmp_path_factory):
    """A job by its name; keyword arguments are settings."""
    # With layers that are linear in the pixels a rate of 1000 leaves no numbers in a few steps.
    steep = tmp_path_factory.mktemp("steep") / "steep.yaml"
    steep.write_text("layers: [{type: Flatten}, {type: Dense, units: 9}, "
                     "{type: Dense, units: 9}, {type: Dense, units: classes}]")  # fmt: skip

    def make(name, runs, *, diverging=False, group=None, **settings):
        own = {"model": {"name": str(steep if diverging else tiny_model)}}
        if diverging:
            own["optimizer"] = {"name": "sgd", "lr": 1000}
        training = {"epochs": 3, "batch_size": 16, "checkpoint_every_seconds": 0.001}
        base = {
            "name": name,
            "threads": 1,
            "device": "cpu",
            "precision": "fp32",
            "data": {"source": str(images)},
            "training": training | settings.pop("training", {}),
        }
        config: RunConfig = configure(settings=base | own | settings)
        return Job(config, runs, group)

    return make


@pytest.fixture
def two_cores(monkeypatch):
    """A machine of two cores."""
    pretend_two_cores(monkeypatch)
