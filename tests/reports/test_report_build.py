"""Reports as files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader

from cnnlab.errors import InputError, RunError, StorageError, UnknownNameError
from cnnlab.reports import FORMATS, build_document, write_report
from cnnlab.reports.document import Document, Figure, Heading
from cnnlab.runs import Run

MakeRun = Callable[..., Run]


def files_in(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def plain_run(make_run: MakeRun) -> Run:
    """A run with few figures."""
    return make_run("plain", stages=(1,), evaluated=())


def test_a_report_is_two_files_and_the_figures_of_one(
    odd_run: Run, document: Document, tmp_path: Path
) -> None:
    written = write_report([odd_run], tmp_path)
    assert written == [tmp_path / "report.html", tmp_path / "report.md"]
    figures = [block for block in document.blocks if isinstance(block, Figure)]
    assert len(figures) == 5  # no images at hand, so none of mistakes
    assert set(files_in(tmp_path)) == {
        "report.html",
        "report.md",
        *(f"figures/{figure.name}.svg" for figure in figures),
    }


def test_a_report_written_again_has_the_same_bytes(plain_run: Run, tmp_path: Path) -> None:
    write_report([plain_run], tmp_path)
    before = files_in(tmp_path)
    write_report([plain_run], tmp_path)
    assert files_in(tmp_path) == before


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_can_be_asked_for_alone(name: str, plain_run: Run, tmp_path: Path) -> None:
    (path,) = write_report(plain_run.path, str(tmp_path), [name])
    assert path.is_file()
    assert path.suffix == f".{name}"
    if name == "pdf":
        assert "plain" in PdfReader(path).pages[0].extract_text()
    else:
        assert "plain" in path.read_text(encoding="utf-8")


def test_formats_have_other_names_and_are_written_once(plain_run: Run, tmp_path: Path) -> None:
    written = write_report([plain_run], tmp_path, ["markdown", "HTML", "md"])
    assert [path.name for path in written] == ["report.md", "report.html"]


def test_several_runs_make_one_document(comparison_document: Document) -> None:
    assert comparison_document.title == "first and second"
    sections = [
        b.text for b in comparison_document.blocks if isinstance(b, Heading) and b.level == 2
    ]
    assert sections[:3] == ["Summary", "Comparison", "Data and split"]
    assert sections[-3:] == ["Conclusions", "Limitations", "Appendix: to do it again"]
    names = [block.name for block in comparison_document.blocks if isinstance(block, Figure)]
    assert "comparison" in names
    assert len(names) == len(set(names))


def test_one_run_has_no_comparison(document: Document) -> None:
    assert not any(isinstance(b, Heading) and b.text == "Comparison" for b in document.blocks)


def test_a_run_without_any_result_has_a_report(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("fresh", stages=(), evaluated=(), status=None)
    html, markdown = write_report([run], tmp_path)
    assert "has not ended" in html.read_text(encoding="utf-8")
    assert "has not ended" in markdown.read_text(encoding="utf-8")


def test_many_runs_have_a_short_title(make_run: MakeRun) -> None:
    runs = [make_run(f"r{i}", stages=(), evaluated=(), status=None) for i in range(6)]
    assert build_document(runs).title == "6 runs"
    assert build_document(runs[:3]).title == "r0, r1 and r2"


def test_what_cannot_be_reported_leaves_nothing_behind(
    make_run: MakeRun, plain_run: Run, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no run to report on"):
        write_report([], tmp_path)
    with pytest.raises(UnknownNameError, match="no format 'htm'; did you mean 'html'"):
        write_report([plain_run], tmp_path, ["markdown", "htm"])
    damaged = make_run("damaged")
    (damaged.path / "predictions" / "validation.npz").write_bytes(b"no archive")
    with pytest.raises(RunError, match=r"validation\.npz: damaged"):
        write_report([damaged], tmp_path)
    assert files_in(tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_named(plain_run: Run, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        write_report([plain_run], blocked, ["html"])
