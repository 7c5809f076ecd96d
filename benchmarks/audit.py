"""What ``cnnlab audit`` finds of what was planted, and what it finds in real data.

Each part is measured by itself and appended to OUT/audit.jsonl, figures go to OUT/figures::

    python benchmarks/audit.py shapes --out OUT
    python benchmarks/audit.py flips --out OUT
    python benchmarks/audit.py versions --out OUT
    python benchmarks/audit.py real --out OUT
    python benchmarks/audit.py report --out OUT --to docs/results/audit.md
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from audits.planting import VERSIONS, flip_labels, plant_versions
from audits.report import build_document
from harness.records import Record, read_records
from numpy.typing import NDArray

from cnnlab.data import PARTS, open_dataset
from cnnlab.data.shapes import planted
from cnnlab.device import describe_machine
from cnnlab.evaluation.audit.duplicates import copies_between, find_duplicates
from cnnlab.files import append_line, write_bytes, write_text
from cnnlab.reports.audit.pictures import pairs_figure, suspects_figure
from cnnlab.reports.markdown import figure_files, render_markdown
from cnnlab.training.events import Event, Notice
from cnnlab.workflows.audit import Audit, TrainingPlan, audit

__all__ = ["main"]

_RECORDS = "audit.jsonl"
_SEED = 20_261_127
_FLIPPED = 0.02
_SHAPES = {"size": 12_000, "label_errors": 0.05, "duplicates": 0.02}
_VERSIONS_FROM, _VERSIONS_EACH = 10_000, 100


def _watch(event: Event) -> None:
    if isinstance(event, Notice):
        print(event.text, file=sys.stderr)


def _hits(found: NDArray[np.int64], planted_rows: NDArray[np.int64]) -> Record:
    """What recall and precision are made of."""
    right = int(np.isin(found, planted_rows).sum())
    return {"found": len(found), "planted": len(planted_rows), "right": right}


def _judged(done: Audit, wrong: NDArray[np.int64], truth: NDArray[np.int64]) -> Record:
    """The suspects against the rows whose labels are known to be wrong."""
    errors = done.findings.label_errors
    assert errors is not None
    noise = errors.noise
    known = np.isin(noise.suspects, wrong)
    return {
        **_hits(noise.suspects, wrong),
        "first": _hits(noise.suspects[: len(wrong)], wrong),
        "right_suggestions": int((noise.suggested == truth[noise.suspects])[known].sum()),
        "estimated_noise": noise.noise,
        "accuracy": errors.accuracy,
        "seconds": dict(done.findings.seconds),
    }


def measure_shapes(out: Path, limit_seconds: float) -> Record:
    """Labels and copies that the source plants."""
    del out
    done = audit(
        "shapes",
        plan=TrainingPlan(time_limit_seconds=limit_seconds),
        overrides=[f"data.{key}={value}" for key, value in _SHAPES.items()],
        watch=_watch,
    )
    truth = planted(**_SHAPES)
    found = done.findings.duplicates
    assert found is not None
    copies = found.second[found.exact]
    repeats = np.flatnonzero(found.exact_groups != np.arange(len(truth.labels)))
    assert set(copies) == set(repeats)
    # The first of a group counts as the original, whichever was drawn first.
    groups = truth.sources
    _, first = np.unique(groups, return_index=True)
    later = np.setdiff1d(np.arange(len(groups)), first)
    near = found.second[~found.exact]
    return {
        "options": _SHAPES,
        "limit_seconds": limit_seconds,
        "labels": _judged(done, truth.wrong_rows, truth.true_labels),
        "copies": _hits(copies, later),
        "near_pairs": len(near),
    }


def measure_flips(out: Path, limit_seconds: float) -> Record:
    """Labels of CIFAR-10-JPEG, some of them made wrong."""
    data = open_dataset("cifar10-jpeg")
    labels, wrong = flip_labels(data.labels, len(data.class_names), share=_FLIPPED, seed=_SEED)
    train, test = data.rows_of("train"), data.rows_of("test")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "flipped.npz")
        np.savez(
            path,
            x_train=data.images[train],
            y_train=labels[train],
            x_test=data.images[test],
            y_test=labels[test],
            class_names=np.array(data.class_names),
        )
        done = audit(
            str(path),
            checks=["label-errors"],
            plan=TrainingPlan(time_limit_seconds=limit_seconds),
            watch=_watch,
        )
        figure = suspects_figure(done.findings)
    write_bytes(out / "figures" / "audit-suspects.svg", figure.svg)
    judged = _judged(done, wrong, data.labels)
    return {"share": _FLIPPED, "limit_seconds": limit_seconds, "labels": judged}


def measure_versions(out: Path, limit_seconds: float) -> Record:
    """Other versions of CIFAR-10-JPEG's images, planted among others of them."""
    del out, limit_seconds
    data = open_dataset("cifar10-jpeg")
    rows = data.rows_of("train")[:_VERSIONS_FROM]
    before = find_duplicates(data.images[rows], data.labels[rows])
    images, labels, origin, kinds = plant_versions(
        data.images[rows], data.labels[rows], each=_VERSIONS_EACH, seed=_SEED
    )
    began = time.perf_counter()
    found = find_duplicates(images, labels)
    seconds = time.perf_counter() - began
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    result: Record = {"images": len(images), "seconds": seconds, "kinds": {}}
    for number, kind in enumerate(VERSIONS):
        chosen = np.flatnonzero(kinds == number)
        hit = sum((int(origin[at]), len(rows) + int(at)) in pairs for at in chosen)
        result["kinds"][kind] = {"planted": len(chosen), "found": hit}
    # A pair is accounted for where the originals of both were one picture already.
    source = np.concatenate([np.arange(len(rows)), origin])
    groups = before.groups[source]
    strange = groups[found.first] != groups[found.second]
    return {**result, "pairs": len(found.first), "unexplained": int(strange.sum())}


def measure_real(out: Path, limit_seconds: float) -> Record:
    """Copies in CIFAR-10-JPEG and in Fashion-MNIST."""
    del limit_seconds
    result: Record = {}
    for name in ("cifar10-jpeg", "fashion-mnist"):
        done = audit(name, checks=["duplicates", "drift"], watch=_watch)
        findings = done.findings
        found, data = findings.duplicates, findings.dataset
        assert found is not None
        parts = {part: data.rows_of(part) for part in PARTS if data.parts.get(part)}
        differ = data.labels[found.first] != data.labels[found.second]
        write_bytes(out / "figures" / f"audit-copies-{name}.svg", pairs_figure(findings).svg)
        result[name] = {
            "seconds": dict(findings.seconds),
            "pairs": len(found.first),
            "exact": int(found.exact.sum()),
            "mirrored": int(found.mirrored.sum()),
            "labels_differ": int(differ.sum()),
            "radius": found.radius,
            "thresholds": [round(float(value), 3) for value in found.thresholds],
            "copies": [vars(copies) for copies in copies_between(found, parts)],
            "drift": [drift.to_text() for drift in findings.drift or ()],
        }
    return result


_PARTS: dict[str, Callable[[Path, float], Record]] = {
    "shapes": measure_shapes,
    "flips": measure_flips,
    "versions": measure_versions,
    "real": measure_real,
}


def _write_report(out: Path, target: Path) -> None:
    latest: dict[str, Any] = {record["part"]: record for record in read_records(out / _RECORDS)}
    figures = {path.stem: path.read_bytes() for path in sorted((out / "figures").glob("*.svg"))}
    document = build_document(latest, figures)
    for name, content in figure_files(document).items():
        write_bytes(target.parent / name, content)
    write_text(target, render_markdown(document))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one part, or write the report of all that were measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=[*_PARTS, "report"])
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--time-limit", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--to", type=Path, metavar="FILE", help="Where the report goes.")
    asked = parser.parse_args(arguments)
    if asked.part == "report":
        _write_report(asked.out, asked.to or asked.out / "audit.md")
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    record = _PARTS[asked.part](asked.out, asked.time_limit)
    machine = describe_machine("cpu")
    record = {"part": asked.part, "machine": machine, **record}
    append_line(asked.out / _RECORDS, json.dumps(record))
    print(json.dumps({key: value for key, value in record.items() if key != "machine"}, indent=1))


if __name__ == "__main__":
    main()
