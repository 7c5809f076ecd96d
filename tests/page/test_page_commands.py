"""Commands on the page can be typed as they stand, wherever the runs lie."""

from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import pytest
from page_runs import Visitor

from cnnlab.page import PageSettings, create_app


@pytest.fixture
def spaced(runs: Path, tmp_path: Path) -> tuple[Visitor, Path]:
    """A visitor of runs in a folder whose name a shell would divide."""
    folder = tmp_path / "my runs"
    runs.rename(folder)
    return Visitor(create_app(PageSettings(folder, tmp_path / "audits"))), folder


def commands(page: str) -> list[list[str]]:
    """The words of each command of cnnlab on a page, as a shell divides them."""
    return [shlex.split(html.unescape(one)) for one in re.findall("<code>(cnnlab [^<]*)", page)]


def test_commands_name_the_run_by_its_path(spaced: tuple[Visitor, Path]) -> None:
    visit, folder = spaced
    path = str(folder / "first")
    assert ["cnnlab", "report", path] in commands(visit.get("/runs/first").text)
    (folder / "first" / "predictions" / "validation.npz").unlink()
    assert ["cnnlab", "evaluate", path] in commands(visit.get("/runs/first").text)
    key = re.findall(r"/data/(\w+)\?", visit.get("/runs/first").text)[0]
    [audit] = commands(visit.get(f"/data/{key}?run=first").text)
    assert audit == ["cnnlab", "audit", "DATA", "--run", path]


def test_the_first_command_trains_into_the_folder_that_is_shown(tmp_path: Path) -> None:
    for folder, more in ((tmp_path / "no runs", ["--runs", str(tmp_path / "no runs")]),
                         (Path("runs"), [])):  # fmt: skip
        visit = Visitor(create_app(PageSettings(folder, tmp_path / "audits")))
        for path in ("/", "/try"):
            assert commands(visit.get(path).text) == [["cnnlab", "quickstart", *more]]
