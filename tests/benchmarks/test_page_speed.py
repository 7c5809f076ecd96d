"""What the page's benchmark makes is what the page lists."""

from pathlib import Path

import page_speed
import pytest

from cnnlab.page.listing import Listing
from cnnlab.runs import list_runs


def test_the_runs_that_are_made_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_speed, "_ROWS", 12_000)
    monkeypatch.setattr(page_speed, "_VALIDATION", 100)
    page_speed.make_runs(tmp_path, 2)
    lines = Listing().lines(list_runs(tmp_path))
    assert [line.status for line in lines] == ["finished", "finished"]
    assert [line.n for line in lines] == [100, 100]
    assert lines[0].params == 1_250_858
    assert set(page_speed.measure(tmp_path)) == {"first", "again", "runs_list"}
