"""Commands can be typed as they stand, wherever the runs lie; times are this machine's."""

from __future__ import annotations

import html
import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_runs import Visitor, seen

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


def test_the_first_command_trains_into_the_folder_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the tests are started there may be runs
    for folder, more in ((tmp_path / "no runs", ["--runs", str(tmp_path / "no runs")]),
                         (Path("runs"), [])):  # fmt: skip
        visit = Visitor(create_app(PageSettings(folder, tmp_path / "audits")))
        for path in ("/", "/try"):
            assert commands(visit.get(path).text) == [["cnnlab", "quickstart", *more]]


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine stands in Japan, nine hours ahead."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_all_times_are_of_one_zone(visit: Visitor, runs: Path) -> None:
    file = runs / "first" / "environment.json"
    environment = json.loads(file.read_text()) | {"created": "2024-05-02T20:30:00+00:00"}
    file.write_text(json.dumps(environment))
    record = {"time": "2024-05-02T21:30:00+00:00", "command": "c", "split": "test", "n": 2,
              "top1": 0.5}  # fmt: skip
    lines = [record, record | {"time": "long ago"}]
    (runs / "first" / "ledger.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    text = seen(visit.get("/runs/first").text)
    assert "began 2024-05-03 05:30" in text
    assert "2024-05-03 06:30" in text
    assert "long ago" in text
    assert "2024-05-03 05:30" in seen(visit.get("/").text)
