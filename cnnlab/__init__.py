"""cnnlab: from a pile of small images to a convolutional classifier that you can trust.

The verbs of the command line as functions::

    import cnnlab

    wanted = {"model": {"name": "model-f"}, "data": {"source": "cifar10"}}
    config = cnnlab.configure(settings=wanted)
    trained = cnnlab.train(config)
    print(cnnlab.evaluate(trained.run, "test").to_text())

Each name is imported when it is first used, for torch takes a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = [
    "CNNClassifier",
    "RunConfig",
    "ablate",
    "audit",
    "compare",
    "configure",
    "dataset_card",
    "diagnose",
    "doctor",
    "evaluate",
    "explain",
    "export",
    "fill_time",
    "find_lr",
    "import_keras",
    "load_architecture",
    "model_card",
    "open_dataset",
    "open_run",
    "overview",
    "predict",
    "quickstart",
    "remove_runs",
    "reproduce",
    "resume",
    "resume_sweep",
    "robustness",
    "run_card",
    "thin_runs",
    "track",
    "train",
    "train_seeds",
    "tune",
    "verify_resume",
    "write_report",
]

_HOMES = {
    "CNNClassifier": ("cnnlab.interop.sklearn", "CNNClassifier"),
    "RunConfig": ("cnnlab.config", "RunConfig"),
    "ablate": ("cnnlab.workflows.ablate", "ablate"),
    "audit": ("cnnlab.workflows.audit", "audit"),
    "compare": ("cnnlab.evaluation.compare", "compare"),
    "configure": ("cnnlab.workflows.configure", "configure"),
    "dataset_card": ("cnnlab.workflows.dataset_card", "dataset_card"),
    "diagnose": ("cnnlab.evaluation.curves", "diagnose"),
    "doctor": ("cnnlab.workflows.doctor", "doctor"),
    "evaluate": ("cnnlab.evaluation.evaluate", "evaluate"),
    "explain": ("cnnlab.explanation", "explain"),
    "export": ("cnnlab.exporting", "export"),
    "fill_time": ("cnnlab.workflows.budget", "fill_time"),
    "find_lr": ("cnnlab.workflows.find_lr", "find_lr"),
    "import_keras": ("cnnlab.interop.keras", "import_keras"),
    "load_architecture": ("cnnlab.models", "load_architecture"),
    "model_card": ("cnnlab.reports.model_card", "write_model_card"),
    "open_dataset": ("cnnlab.data", "open_dataset"),
    "open_run": ("cnnlab.runs", "open_run"),
    "overview": ("cnnlab.workflows.overview", "overview"),
    "predict": ("cnnlab.prediction", "predict"),
    "quickstart": ("cnnlab.workflows.quickstart", "quickstart"),
    "remove_runs": ("cnnlab.workflows.removal", "remove_runs"),
    "reproduce": ("cnnlab.workflows.reproduce", "reproduce"),
    "resume": ("cnnlab.workflows.train", "resume_and_evaluate"),
    "resume_sweep": ("cnnlab.workflows.tune", "resume_sweep"),
    "robustness": ("cnnlab.evaluation.robustness", "robustness"),
    "run_card": ("cnnlab.workflows.run_card", "card_of"),
    "thin_runs": ("cnnlab.workflows.thinning", "thin_runs"),
    "track": ("cnnlab.tracking", "track"),
    "train": ("cnnlab.workflows.train", "train_and_evaluate"),
    "train_seeds": ("cnnlab.workflows.seeds", "train_seeds"),
    "tune": ("cnnlab.workflows.tune", "tune"),
    "verify_resume": ("cnnlab.workflows.verify_resume", "verify_resume"),
    "write_report": ("cnnlab.reports", "write_report"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cnnlab' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
