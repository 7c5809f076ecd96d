"""What the audit's benchmark plants, and what its report makes of records."""

from __future__ import annotations

import numpy as np
from audits.planting import VERSIONS, flip_labels, plant_versions
from audits.report import build_document, share

from cnnlab.reports.markdown import render_markdown


def test_flips_are_as_many_as_asked_for_and_all_wrong():
    labels = np.arange(1000) % 7
    flipped, wrong = flip_labels(labels, 7, share=0.02, seed=1)
    assert np.flatnonzero(flipped != labels).tolist() == wrong.tolist()
    assert len(wrong) == 20
    assert set(flipped) <= set(range(7))


def test_every_kind_of_version_is_planted_alike_and_no_image_twice():
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(40) % 3
    planted, names, origin, kinds = plant_versions(images, labels, each=3, seed=0)
    assert (planted[:40] == images).all()
    assert np.bincount(kinds).tolist() == [3] * len(VERSIONS)
    assert len(set(origin.tolist())) == len(origin) == 3 * len(VERSIONS)
    assert (names[40:] == labels[origin]).all()
    mirrored = list(VERSIONS).index("mirrored")
    for at in np.flatnonzero(kinds == mirrored):
        assert (planted[40 + at] == images[origin[at], :, ::-1]).all()
    assert all((planted[40 + at] != images[row]).any() for at, row in enumerate(origin))


def test_the_report_says_shares_with_their_intervals():
    assert share(195, 200) == "97.5% (94.3% to 98.9%, 195 of 200)"
    assert share(0, 0) == "none to find"
    hits = {"found": 40, "planted": 50, "right": 30}
    labels = {
        **hits,
        "first": {**hits, "found": 30, "right": 27},
        "right_suggestions": 29,
        "estimated_noise": 0.06,
        "accuracy": 0.8,
        "seconds": {"label-errors": 61.0},
    }
    record = {"machine": {"processor": "A Processor"}, "labels": labels, "limit_seconds": 40.0}
    text = render_markdown(build_document({"shapes": record}, {}))
    assert "60.0% (46.2% to 72.4%, 30 of 50)" in text
    assert "90.0% (74.4% to 96.5%, 27 of 30)" in text
    assert "shapes 40 s" in text
