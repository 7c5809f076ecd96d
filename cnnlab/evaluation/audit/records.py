"""Findings as plain values and as a table of rows, for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from cnnlab.evaluation.audit.findings import Findings

__all__ = ["MOST_LISTED", "findings_csv", "findings_record", "noise_pairs"]

#: Pairs and labels that JSON lists; ``findings.csv`` has all.
MOST_LISTED = 200

_IMAGE = ("row", "part", "file", "class")
_HEADER = ("finding", *_IMAGE, *(f"other_{name}" for name in _IMAGE), "score", "detail")


def findings_record(findings: Findings) -> dict[str, Any]:
    """What ``cnnlab audit --json`` prints, but for the paths of what was written."""
    data = findings.dataset
    return {
        "name": data.name,
        "origin": data.origin,
        "fingerprint": data.fingerprint,
        "images": len(data),
        "parts": {part: len(rows) for part, rows in findings.parts.items()},
        "class_names": list(data.class_names),
        "counts": findings.counts(),
        "files": _files(findings),
        "duplicates": _duplicates(findings),
        "label_errors": _label_errors(findings),
        "balance": _balance(findings),
        "drift": _drift(findings),
        "accuracy": [
            {
                "split": one.split,
                "all": one.everything.to_dict(),
                "without_twins": one.without_twins.to_dict(),
                "twins": one.twins.to_dict(),
            }
            for one in findings.accuracy
        ],
        "left_out": dict(findings.left_out),
        "seconds": dict(findings.seconds),
    }


def _image(findings: Findings, row: int) -> dict[str, Any]:
    file = None if findings.files is None else findings.files[row]
    return {
        "row": row,
        "part": findings.part_of(row),
        "file": file,
        "class": findings.class_of(row),
    }


def _files(findings: Findings) -> dict[str, Any] | None:
    if findings.constant is None:
        return None
    return {
        "broken": [{"file": file, "reason": said} for file, said in findings.broken.items()],
        "odd": [
            {"file": odd.file, "problem": odd.problem, "width": odd.width, "height": odd.height}
            for odd in findings.odd
        ],
        "constant": [_image(findings, int(row)) for row in findings.constant],
    }


def _pair(findings: Findings, place: int) -> dict[str, Any]:
    found = findings.duplicates
    assert found is not None
    return {
        "a": _image(findings, int(found.first[place])),
        "b": _image(findings, int(found.second[place])),
        "exact": bool(found.exact[place]),
        "mirrored": bool(found.mirrored[place]),
        "likeness": round(float(found.likeness[place]), 4),
        "hash_bits": int(found.bits[place]),
    }


def _duplicates(findings: Findings) -> dict[str, Any] | None:
    found = findings.duplicates
    if found is None:
        return None
    return {
        "pairs": len(found.first),
        "exact_pairs": int(found.exact.sum()),
        "hash_radius": found.radius,
        "thresholds": [round(float(value), 4) for value in found.thresholds],
        "copies": [vars(copies) for copies in findings.copies],
        "conflicting_labels": findings.conflicting().tolist(),
        "listed": [_pair(findings, int(p)) for p in findings.pairs_by_interest()[:MOST_LISTED]],
    }


def noise_pairs(findings: Findings) -> list[tuple[str, str, float]]:
    """Given label, true class and estimated images, the most first, from half an image on."""
    if findings.label_errors is None:
        return []
    joint = findings.label_errors.noise.joint * len(findings.dataset)
    names = findings.dataset.class_names
    pairs = [
        (names[given], names[true], float(joint[given, true]))
        for given, true in np.argwhere(joint >= 0.5)
        if given != true
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def _label_errors(findings: Findings) -> dict[str, Any] | None:
    found = findings.label_errors
    if found is None:
        return None
    noise = found.noise
    listed = [
        {
            **_image(findings, int(noise.suspects[place])),
            "suggested": findings.dataset.class_names[noise.suggested[place]],
            "probability": round(found.confidence(place), 4),
            "margin": round(float(noise.margins[place]), 4),
        }
        for place in range(min(len(noise.suspects), MOST_LISTED))
    ]
    return {
        "folds": int(found.folds.max()) + 1,
        "out_of_fold_accuracy": found.accuracy,
        "estimated_noise": noise.noise,
        "suspects": len(noise.suspects),
        "noise_pairs": [
            {"given": given, "true": true, "images": round(images, 1)}
            for given, true, images in noise_pairs(findings)[:MOST_LISTED]
        ],
        "listed": listed,
    }


def _balance(findings: Findings) -> dict[str, Any] | None:
    found, names = findings.balance, findings.dataset.class_names
    if found is None:
        return None
    return {
        "counts": {
            part: dict(zip(names, counts.tolist(), strict=True))
            for part, counts in found.counts.items()
        },
        "ratios": dict(found.ratios),
        "missing": {part: [names[at] for at in labels] for part, labels in found.missing.items()},
        "shifts": [vars(shift) for shift in found.shifts],
    }


def _drift(findings: Findings) -> list[dict[str, Any]] | None:
    if findings.drift is None:
        return None
    return [
        {
            "part": drift.part,
            "reference": drift.reference,
            "seen": drift.seen,
            "auc": drift.auc,
            "interval": list(drift.interval),
            "images": list(drift.images),
            "effects": [vars(effect) for effect in drift.effects],
        }
        for drift in findings.drift
    ]


def findings_csv(findings: Findings) -> str:
    """Every finding that is about an image, a line each; see ``docs/audit.md``."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerows(_lines(findings))
    return stream.getvalue()


def _lines(findings: Findings) -> Iterator[list[Any]]:
    def image(row: int) -> list[Any]:
        return list(_image(findings, row).values())

    nothing = ["", "", "", ""]
    for file, reason in findings.broken.items():
        yield ["broken", "", "", file, "", *nothing, "", reason]
    for odd in findings.odd:
        size = f"{odd.width}x{odd.height}"
        yield [odd.problem, "", "", odd.file, "", *nothing, "", size]
    for row in findings.constant if findings.constant is not None else ():
        yield ["constant", *image(int(row)), *nothing, "", ""]
    found = findings.duplicates
    for place in findings.pairs_by_interest() if found is not None else ():
        pair = _pair(findings, int(place))
        kind = "exact copy" if pair["exact"] else "near copy"
        ends = [*pair["b"].values(), *pair["a"].values()]
        yield [kind, *ends, pair["likeness"], "mirrored" if pair["mirrored"] else ""]
    labels = findings.label_errors
    for place in range(len(labels.noise.suspects) if labels is not None else 0):
        assert labels is not None
        row, name = int(labels.noise.suspects[place]), labels.noise.suggested[place]
        score = round(float(labels.noise.margins[place]), 4)
        suggested = findings.dataset.class_names[name]
        yield ["label", *image(row), *nothing, score, suggested]
