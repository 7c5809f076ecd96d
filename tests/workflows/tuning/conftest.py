"""What every sweep here searches from."""

import pytest


@pytest.fixture(scope="module")
def settings(images, tiny_model):
    return {
        "threads": 1,
        "device": "cpu",
        "precision": "fp32",
        "data": {"source": str(images), "validation": 30},
        "model": {"name": str(tiny_model)},
        "training": {"epochs": 3, "batch_size": 16},
        "optimizer": {"name": "adam", "lr": 0.0005},
    }


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """One document is drawn, that of ``done``: figures take longer than such trainings."""
    monkeypatch.setattr("cnnlab.workflows.tune.write_document", lambda _, folder, __: [folder])
