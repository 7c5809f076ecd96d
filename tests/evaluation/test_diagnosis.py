"""Real runs that truly fail, what is said of them, and whether what is suggested can be run."""

import shlex
from pathlib import Path

import pytest

from cnnlab.cli import train as train_verb
from cnnlab.cli.main import main
from cnnlab.errors import DivergedError
from cnnlab.evaluation.curves import diagnose
from cnnlab.runs import open_run
from cnnlab.training.loop import train
from cnnlab.training.prepare import decide
from cnnlab.workflows.configure import configure

SMALL = """
name: small
layers:
  - {type: Conv2D, filters: 8, kernel_size: 3, strides: 2, padding: same, activation: relu}
  - {type: Conv2D, filters: 16, kernel_size: 3, strides: 2, padding: same, activation: relu}
  - {type: Flatten}
  - {type: Dense, units: 32, activation: relu}
  - {type: Dense, units: classes}
"""
#: Four grey levels and a line between classes.
WEAK = """
name: weak
layers:
  - {type: AveragePooling2D, pool_size: 16}
  - {type: Flatten}
  - {type: Dense, units: classes}
"""
DIGITS = {"source": "digits", "train": 500}


def adam(rate):
    return {"name": "adam", "lr": rate}


RUNS = {
    "overfitting": {
        "data": {"source": "shapes", "size": 900, "train": 150, "validation": 600, "test": 10},
        "training": {"epochs": 16, "batch_size": 16},
        "optimizer": adam(2e-3),
    },
    "underfitting": {
        "model": {"name": "weak.yaml"},
        "data": DIGITS,
        "training": {"epochs": 12, "batch_size": 32},
        "optimizer": adam(0.2),
    },
    "rate-too-high": {
        "data": DIGITS,
        "training": {"epochs": 4, "batch_size": 32},
        "optimizer": {"name": "sgd", "lr": 1000},
    },
    "rate-too-low": {
        "data": DIGITS,
        "training": {"epochs": 6, "batch_size": 32},
        "optimizer": adam(5e-5),
    },
    "epoch-cap": {
        "data": DIGITS,
        "training": {"epochs": 3, "batch_size": 32},
        "optimizer": adam(1e-3),
    },
    "collapse": {
        "data": DIGITS,
        "training": {"epochs": 4, "batch_size": 32},
        "optimizer": adam(0.3),
    },
    "forgetting": {
        "data": DIGITS,
        # One step an epoch: each chunk's first is that of an optimizer that has just begun.
        "training": {"mode": "sequential", "stage_size": 150, "epochs": 25, "batch_size": 150},
        "optimizer": adam(0.03),
    },
    "healthy": {
        "data": {"source": "digits"},
        "training": {"epochs": 12, "batch_size": 32, "augment": {"translate": 1}},
        "optimizer": adam(3e-3),
        "schedule": {"name": "cosine"},
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Every run above, by what is wrong with it."""
    folder = tmp_path_factory.mktemp("curves")
    (folder / "small.yaml").write_text(SMALL)
    (folder / "weak.yaml").write_text(WEAK)
    runs = {}
    for name, settings in RUNS.items():
        model = settings.get("model", {"name": "small.yaml"})["name"]
        machine = {"threads": 1, "device": "cpu", "precision": "fp32"}
        own = {"model": {"name": str(folder / model)}, "name": name, **machine}
        try:
            train(configure(settings={**settings, **own}), folder / "runs")
        except DivergedError:
            assert name == "rate-too-high"
        runs[name] = open_run(folder / "runs" / name)
    return runs


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_called_what_it_is(trained, name):
    diagnosis = diagnose(trained[name])
    names = [finding.name for finding in diagnosis.findings]
    if name == "healthy":
        assert diagnosis.to_text().endswith("nothing to remark")
    elif name == "forgetting":
        # Chunks of 150 images are learnt by heart as well.
        assert "forgetting" in names, diagnosis.to_text()
    else:
        assert names[:1] == [name], diagnosis.to_text()


@pytest.mark.parametrize("name", RUNS)
def test_what_is_suggested_can_be_run(trained, name, monkeypatch, tmp_path):
    """Through the real command line, up to the point where images and network are settled."""
    asked = {}

    def settle(given, runs, track):
        config = configure(**given, runs=runs)
        decided = decide(config, runs, lambda event: None)
        asked.update(config=config, runs=runs, network=decided.start.architecture.name)
        raise SystemExit(0)

    monkeypatch.setattr(train_verb, "_train", settle)
    monkeypatch.chdir(tmp_path)
    run = trained[name]
    for finding in diagnose(run).findings:
        words = shlex.split(finding.command)
        assert words[:2] == ["cnnlab", "train"]
        with pytest.raises(SystemExit) as ended:
            main(words[1:])
        assert ended.value.code == 0, finding.command
        before, after = run.typed_config(), asked["config"]
        assert asked["runs"] == run.path.parent
        assert after.name == f"{name}-{finding.name}"
        assert after.data.source == before.data.source
        assert after.updated(name=None).to_dict() != before.to_dict()
        assert not Path(asked["runs"], after.name).exists()
