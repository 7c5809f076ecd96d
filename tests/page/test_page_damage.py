"""A run of which one file is damaged: that is named, and the rest is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from page_runs import Visitor, seen


@pytest.mark.parametrize("content", ["", "{}", '{"temperature": "x"}', '{"temperature": 0}'])
def test_a_damaged_temperature_takes_nothing_else_away(
    visit: Visitor, runs: Path, content: str
) -> None:
    (runs / "first" / "predictions" / "temperature.json").write_text(content)
    page = visit.get("/runs/first")
    assert page.status_code == 200
    for part in ("confusion", "hardest", "calibration", "layers"):
        assert f'id="{part}"' in page.text, part
    assert "temperature.json" in " ".join(re.findall(r'class="note bad">([^<]*)', page.text))
    for part in ("hardest", "cell?true=0&predicted=0"):
        assert "sure" in seen(visit.get(f"/runs/first/{part}").text), part


def test_rows_that_the_images_lack_are_named(visit: Visitor, runs: Path) -> None:
    key = re.findall(r"/data/(\w+)\?", visit.get("/runs/first").text)[0]
    file = runs / "first" / "split.json"
    record = json.loads(file.read_text())
    record["train"].append(10**7)
    file.write_text(json.dumps(record))
    for path in (f"/data/{key}?run=first", f"/data/{key}/samples?run=first"):
        answer = visit.get(path)
        assert answer.status_code == 200, path
        assert "split.json cannot be read" in seen(answer.text), path
    whole = visit.get(f"/data/{key}?run=first").text
    assert 'id="moments"' in whole
    assert 'id="balance"' not in whole
