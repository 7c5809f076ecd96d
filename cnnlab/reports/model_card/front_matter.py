"""The head of a model card: YAML with the keys that Hugging Face documents.

https://github.com/huggingface/hub-docs/blob/main/modelcard.md says which: ``license``,
``library_name``, ``pipeline_tag``, ``tags``, ``datasets``, ``metrics`` and ``model-index``, whose
results name task, dataset and metrics.
"""

from __future__ import annotations

import re
from typing import Any

from cnnlab.errors import ConfigError
from cnnlab.evaluation.evaluate import Evaluation
from cnnlab.metrics import Interval
from cnnlab.reports.model_card.subject import CardSubject
from cnnlab.settings import dump_yaml

__all__ = ["MARK", "check_identifiers", "front_matter", "render_front_matter"]

#: Tells a card that we wrote from somebody's own README.
MARK = "# Written by cnnlab card"

_TASK = {"type": "image-classification", "name": "Image Classification"}

#: Our names of images -> what they are called on the hub.
_HUB = {
    "CIFAR-10": "uoft-cs/cifar10",
    "CIFAR-100": "uoft-cs/cifar100",
    "Fashion-MNIST": "zalando-datasets/fashion_mnist",
}

#: Licences that the hub knows by these identifiers; any other is "other", with its name.
_LICENSES = frozenset(
    [
        "afl-3.0",
        "agpl-3.0",
        "apache-2.0",
        "artistic-2.0",
        "bigcode-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bigscience-openrail-m",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd-3-clause-clear",
        "bsl-1.0",
        "c-uda",
        "cc",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cc-by-nd-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc0-1.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "cdla-sharing-1.0",
        "creativeml-openrail-m",
        "ecl-2.0",
        "epl-1.0",
        "epl-2.0",
        "etalab-2.0",
        "eupl-1.1",
        "eupl-1.2",
        "gfdl",
        "gpl",
        "gpl-2.0",
        "gpl-3.0",
        "isc",
        "lgpl",
        "lgpl-2.1",
        "lgpl-3.0",
        "lgpl-lr",
        "lppl-1.3c",
        "mit",
        "mpl-2.0",
        "ms-pl",
        "ncsa",
        "odbl",
        "odc-by",
        "ofl-1.1",
        "openrail",
        "openrail++",
        "osl-3.0",
        "other",
        "pddl",
        "postgresql",
        "unknown",
        "unlicense",
        "wtfpl",
        "zlib",
    ]
)

_DATASET = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


def check_identifiers(license: str | None, dataset_id: str | None) -> None:
    """Raise :class:`ConfigError` for a licence or dataset that no hub could take."""
    if license is not None and not license.strip():
        raise ConfigError("is empty", where="--license", expected="e.g. mit or apache-2.0")
    if dataset_id is not None and not _DATASET.fullmatch(dataset_id):
        raise ConfigError(
            f"'{dataset_id}' is no dataset's identifier",
            where="--dataset-id",
            expected="NAME or OWNER/NAME",
        )


def render_front_matter(subject: CardSubject) -> str:
    """The head between its two lines of dashes."""
    return f"---\n{MARK}\n{dump_yaml(front_matter(subject))}---\n"


def front_matter(subject: CardSubject) -> dict[str, Any]:
    """The head as plain values; ``model-index`` only where something was measured."""
    results = [_result(subject, evaluation) for evaluation in subject.evaluations]
    head: dict[str, Any] = {
        **_license(subject.license),
        "library_name": "cnnlab",
        "pipeline_tag": _TASK["type"],
        "tags": [_TASK["type"], "cnnlab", "pytorch", _slug(subject.model_name)],
        "datasets": [_dataset_id(subject)],
        "metrics": ["accuracy", "f1"],
    }
    if results:
        head["model-index"] = [{"name": subject.bundle.name, "results": results}]
    return head


def _license(said: str | None) -> dict[str, str]:
    if said is None:
        return {}
    known = said.strip().lower()
    return {"license": known} if known in _LICENSES else {"license": "other", "license_name": said}


def _slug(text: str) -> str:
    """A name that holds letters, digits, dots and hyphens only."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "unnamed"


def _dataset_id(subject: CardSubject) -> str:
    name = subject.dataset_name
    return subject.dataset_id or _HUB.get(name) or _slug(name)


def _result(subject: CardSubject, evaluation: Evaluation) -> dict[str, Any]:
    """One split's scores; what the hub has no key for stands in ``args``, which is ours to fill."""
    scores = evaluation.scores
    f1, balanced = scores.macro_intervals
    return {
        "task": dict(_TASK),
        "dataset": {
            "type": _dataset_id(subject),
            "name": subject.dataset_name,
            "split": evaluation.split,
            "args": {"fingerprint": str(subject.bundle.origin.get("dataset_fingerprint"))},
        },
        "metrics": [
            _metric("accuracy", "Accuracy", scores.top1, scores.n, scores.top1_interval),
            _metric("f1", "Macro F1", scores.macro_f1, scores.n, f1, average="macro"),
            _metric(
                "balanced_accuracy",
                "Balanced accuracy",
                scores.balanced_accuracy,
                scores.n,
                balanced,
            ),
            _metric("nll", "Negative log-likelihood", scores.nll, scores.n),
            _metric("ece", "Expected calibration error", scores.ece, scores.n),
        ],
    }


def _metric(
    kind: str, name: str, value: float, n: int, interval: Interval | None = None, **more: Any
) -> dict[str, Any]:
    ends = {} if interval is None else {"interval_95": [float(interval.low), float(interval.high)]}
    args = {**more, "n": n, **ends}
    return {"type": kind, "name": name, "value": float(value), "args": args}
