"""A run of which one file is damaged: that is named, and the rest is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from page_runs import Visitor, seen

from cnnlab.errors import RunError
from cnnlab.page import PageSettings, create_app, pictures
from cnnlab.runs import Run


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


def test_images_that_are_gone_are_looked_for_once_and_named(
    visit: Visitor, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = re.findall(r"/data/(\w+)\?", visit.get("/runs/first").text)[0]
    with np.load(runs / "first" / "predictions" / "validation.npz") as saved:
        true, said = int(saved["labels"][0]), int(saved["logits"][0].argmax())
    cell = f"/runs/first/cell?true={true}&predicted={said}"
    assert "<img" in visit.get(cell).text
    fresh = Visitor(create_app(PageSettings(runs)))
    asked: list[Path] = []

    def gone(run: Run, **options: object) -> None:
        asked.append(run.path)
        raise RunError("the folder is gone", where=run.path)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "open_dataset", gone)
        for path in (cell, f"/runs/first?true={true}&predicted={said}", "/runs/first/hardest"):
            page = fresh.get(path).text
            assert '<img src="/images' not in page
            assert "the folder is gone" in page
            assert "% sure" in page
        for row in range(3):
            assert fresh.get(f"/images/{key}/{row}.png").status_code == 404
    assert asked
    assert len(asked) == len(set(asked))


def test_images_that_are_back_are_shown(
    visit: Visitor, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_AGAIN_SECONDS", 0.0)
    config = runs / "first" / "config.yaml"
    whole = config.read_text()
    config.write_text(re.sub(r"source: .*", "source: /nowhere/at/all", whole))
    assert '<img src="/images' not in visit.get("/runs/first/hardest").text
    config.write_text(whole)
    assert '<img src="/images' in visit.get("/runs/first/hardest").text
