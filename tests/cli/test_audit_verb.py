"""``cnnlab audit``: what it prints, writes, refuses, and when it fails."""

from __future__ import annotations

from small import write_images

_SMALL = ("--set", "data.size=120", "--set", "data.duplicates=0.1", "--offline")
_FAST = ("--checks", "images,duplicates,balance,drift")


def test_findings_are_no_failure_unless_asked_for(cnnlab, tmp_path):
    plain = cnnlab("audit", "shapes", *_SMALL, *_FAST)
    assert plain.code == 0, plain.err
    assert "report: audits/shapes/report.html" in plain.out
    assert (tmp_path / "audits" / "shapes" / "report.md").exists()
    failed = cnnlab("audit", "shapes", *_SMALL, *_FAST, "--fail-on", "drift, duplicates", "--json")
    assert failed.code == 1
    assert failed.json["counts"]["duplicates"] == 12
    assert failed.err.splitlines()[-1] == "cnnlab: audit: found 12 duplicates"
    passed = cnnlab("audit", "shapes", *_SMALL, *_FAST, "--fail-on", "missing-classes,drift")
    assert passed.code == 0


def test_what_was_not_looked_for_passes_no_gate(cnnlab, tmp_path):
    asked = cnnlab("audit", "shapes", "--checks", "balance", "--fail-on", "duplicates-across")
    assert (asked.code, asked.out) == (2, "")
    assert asked.err == (
        "cnnlab: --fail-on: duplicates-across is not looked for; "
        "add duplicates to --checks, or leave --checks out\n"
    )
    write_images(tmp_path / "few", classes=2, each=2)
    left_out = cnnlab("audit", tmp_path / "few", "--checks", "label-errors",
                      "--fail-on", "label-errors")  # fmt: skip
    assert left_out.code == 1
    assert "label-errors" in left_out.out
    assert left_out.err.splitlines()[-1].startswith(
        "cnnlab: --fail-on: not looked for: label-errors"
    )


def test_what_cannot_be_is_said_before_any_work(cnnlab, tmp_path):
    for arguments, said in (
        (("--checks", "duplicate"), "--checks: nothing is called 'duplicate'"),
        (("--fail-on", "errors"), "--fail-on: nothing is called 'errors'"),
        (("--folds", 1), "--folds: the value is 1"),
        (("--time-limit", "soon"), "--time-limit"),
        (("--run", "gone"), "gone"),
        (("--set", "training.epochs=3"), "training is nothing that"),
    ):
        outcome = cnnlab("audit", "shapes", *arguments)
        assert (outcome.code, outcome.out) == (2, ""), arguments
        assert outcome.err.count("\n") == 1
        assert said in outcome.err
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    outcome = cnnlab("audit", "digits", "--out", "file/deeper", "--checks", "balance")
    assert outcome.code == 3
    assert "cannot write" in outcome.err


def test_names_act_on_neither_page_nor_terminal(cnnlab, tmp_path):
    from small import write_images

    folder = write_images(tmp_path / "a<script>b", each=6)
    (folder / "class 0").rename(folder / "<b>cats\x1b[31m")
    outcome = cnnlab("audit", folder, "--checks", "duplicates,balance,images", "--out", "o")
    assert outcome.code == 0, outcome.err
    assert "\x1b" not in outcome.out
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert "<b>cats" not in page
    assert "a<script>b" not in page
