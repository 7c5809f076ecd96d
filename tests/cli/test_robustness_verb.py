"""``cnnlab robustness`` and the report's section."""

import numpy as np


def test_it_prints_saves_and_reports(cnnlab, trained):
    base = ["robustness", "first", "--corruptions", "noise,fog", "--severities", "1,3"]
    outcome = cnnlab(*base, "--out", "shown", "--json")
    assert outcome.code == 0, outcome.err
    said = outcome.json
    assert [entry["name"] for entry in said["corruptions"]] == [
        "gaussian-noise",
        "shot-noise",
        "impulse-noise",
        "fog",
    ]
    assert np.shape([entry["top1"] for entry in said["corruptions"]]) == (4, 2)
    assert (trained / "robustness-validation.json").is_file()
    names = sorted(path.name for path in trained.parents[1].joinpath("shown").iterdir())
    assert names == [f"robustness-validation.{kind}" for kind in ("json", "png", "svg", "txt")]
    text = cnnlab(*base).out
    assert "mean corruption error" in text
    assert "Shot noise" in text
    cnnlab("report", "first")
    page = (trained / "report.md").read_text(encoding="utf-8")
    assert "Robustness" in page
    assert "4 ways of CIFAR-10-C" in page
    assert "2 severities" in page
    assert "first-robustness-validation.svg" in page


def test_without_a_measurement_the_report_has_no_section(cnnlab, trained):
    cnnlab("report", "first")
    assert "Robustness" not in (trained / "report.md").read_text(encoding="utf-8")


def test_severities_that_are_no_numbers(cnnlab, trained):
    outcome = cnnlab("robustness", "first", "--severities", "1,x")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert "--severities: '1,x'; expected whole numbers from 1 to 5" in outcome.err
