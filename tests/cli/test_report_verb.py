"""``cnnlab report``: formats, own words, groups of seeds."""

import json
import shutil
import sys
from pathlib import Path


def test_formats_are_listed_or_repeated(cnnlab, trained):
    outcome = cnnlab("report", "first", "--format", "pdf,html", "--format", "md", "--json")
    assert outcome.json == {
        "runs": ["first"],
        "files": [str(trained / f"report.{ending}") for ending in ("pdf", "html", "md")],
    }
    assert all(Path(path).stat().st_size for path in outcome.json["files"])
    page = (trained / "report.html").read_text("utf-8")
    assert (
        "Example images of the most frequent mistakes" in page or "was classified wrongly" in page
    )


def test_an_unknown_format_is_refused_before_anything_is_written(cnnlab, trained):
    before = sorted(trained.iterdir())
    for wrong in ("docx", "html,,", ""):
        outcome = cnnlab("report", "first", "--format", wrong)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.count("\n") == 1
        assert "no format" in outcome.err
    assert sorted(trained.iterdir()) == before


def test_pdf_without_typst_is_one_line(cnnlab, trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    outcome = cnnlab("report", "first", "--format", "pdf")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert "pip install typst" in outcome.err
    assert not (trained / "report.pdf").exists()


def test_own_words_begin_with_hints_and_stay(cnnlab, trained):
    first = cnnlab("report", "first", "--text", "words")
    assert first.code == 0
    assert "files with hints" in first.err
    Path("words/introduction.md").write_text("Hello **there**.\n", "utf-8")
    second = cnnlab("report", "first", "--text", "words")
    assert second.err == ""
    assert "Hello <strong>there</strong>." in (trained / "report.html").read_text("utf-8")
    assert "Hello **there**." in (trained / "report.md").read_text("utf-8")
    assert Path("words/introduction.md").read_text("utf-8") == "Hello **there**.\n"
    Path("words/introdution.md").write_text("x")
    wrong = cnnlab("report", "first", "--text", "words")
    assert wrong.code == 2
    assert "did you mean 'introduction'" in wrong.err


def test_what_an_audit_knows_of_the_split_is_said(cnnlab, trained, images):
    audited = cnnlab("audit", images, "--run", "first", "--checks", "duplicates", "--offline")
    assert audited.code == 0, audited.err
    cnnlab("report", "first", "--format", "md")
    assert "An audit of its split says" in (trained / "report.md").read_text("utf-8")


def test_a_group_s_name_stands_for_its_runs(cnnlab, trained):
    for seed in range(2):
        copy = shutil.copytree(trained, trained.parent / f"again-seed{seed}")
        group = {"name": "again", "vary_split": False, "asked": {}}
        (copy / "group.json").write_text(json.dumps(group))
    outcome = cnnlab("report", "again", "--format", "md", "--out", "group")
    assert outcome.code == 0
    assert "again-seed0 and again-seed1" in Path("group/report.md").read_text("utf-8")
    diagnosed = cnnlab("diagnose", "again", "--json").json["runs"]
    assert [Path(found["run"]).name for found in diagnosed] == ["again-seed0", "again-seed1"]
