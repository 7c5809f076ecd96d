"""The fuzzer in miniature: every format holds, and what does not hold would be seen."""

from __future__ import annotations

import json
import mmap
import random
from pathlib import Path
from typing import Any

import fuzz
import numpy as np
import pytest
from fuzzing import pool, trial
from fuzzing.case import Case, Family, NotJudged, Wrong, generator_of
from fuzzing.families import FAMILIES
from fuzzing.gif import base_gif, read_gif
from fuzzing.images import by_pillow
from fuzzing.labelled import base_pixels
from fuzzing.png import make_png, read_png
from fuzzing.summary import build_document
from fuzzing.trial import CANARY, GOOD, try_input
from small_records import MACHINE

from cnnlab.errors import DataError
from cnnlab.reports.markdown import render_markdown

#: The hunt has seed 1, so these are others.
_SEED = 0
_SLOW = {"run-files", "checkpoint", "yaml-model"}


@pytest.mark.parametrize("name", FAMILIES)
def test_no_input_does_what_none_may_do(name: str, tmp_path: Path) -> None:
    for number in range(8 if name in _SLOW else 25):
        record = try_input(FAMILIES[name], _SEED, number, tmp_path)
        assert record["outcome"] in GOOD, record


@pytest.mark.parametrize("name", FAMILIES)
def test_an_input_follows_from_its_numbers_alone(name: str) -> None:
    family = FAMILIES[name]
    first, again = (family.case(generator_of(name, 3, 14)) for _ in range(2))
    assert first == again
    assert first != family.case(generator_of(name, 3, 15))


class _Made(Family):
    """A family whose files, use and judgement are a test's."""

    name = "made"

    def __init__(self, use: Any = None, judge: Any = None, what: tuple[str, ...] = ("x",)) -> None:
        self._use, self._judge, self._what = use, judge, what

    def case(self, rng: random.Random) -> Case:
        return Case({"file.x": b"x"}, "file.x", self._what)

    def use(self, folder: Path, case: Case) -> Any:
        return self._use(folder) if self._use else None

    def judge(self, folder: Path, case: Case, made: Any) -> None:
        if self._judge is not None:
            raise self._judge


def _raises(error: Exception) -> Any:
    def use(folder: Path) -> None:
        raise error

    return use


def _writes(name: str, error: Exception | None) -> Any:
    def use(folder: Path) -> None:
        (folder / name).write_text("x")
        if error is not None:
            raise error

    return use


@pytest.mark.parametrize(
    ("family", "outcome"),
    [
        (_Made(), "right"),
        (_Made(judge=NotJudged("why")), "not judged"),
        (_Made(judge=Wrong("why")), "wrong"),
        (_Made(judge=ValueError("the other reader's")), "wrong"),
        (_Made(_raises(DataError("broken", where="file.x"))), "refused"),
        (_Made(_raises(DataError("broken", where="file.x")), what=()), "wrong"),
        (_Made(_raises(DataError("broken"))), "bad message"),
        (_Made(_raises(KeyError("x"))), "traceback"),
        (_Made(_writes("more", DataError("broken", where="file.x"))), "left behind"),
        (_Made(_writes(f"../{CANARY}", None)), "ran"),
    ],
)
def test_every_outcome_is_told_from_the_others(
    family: Family, outcome: str, tmp_path: Path
) -> None:
    assert try_input(family, 0, 0, tmp_path)["outcome"] == outcome


def test_the_other_readers_read_what_pillow_reads_and_see_damage() -> None:
    for number in range(20):
        rng = random.Random(number)
        data = base_gif(rng)
        assert np.array_equal(read_gif(data)[..., :3], by_pillow(data)[..., :3])
        pixels = base_pixels(number, channels=rng.choice((1, 3, 4)))
        png = make_png(pixels)
        assert np.array_equal(read_png(png), pixels)
        assert np.array_equal(by_pillow(png), pixels)
        place = rng.randrange(8, len(png))
        with pytest.raises((Wrong, NotJudged)):
            read_png(png[:place] + bytes([png[place] ^ 1]) + png[place + 1 :])


def test_a_process_that_dies_or_hangs_is_a_record(tmp_path: Path, monkeypatch: Any) -> None:
    records: list[dict[str, Any]] = []
    jobs = [("bmp", _SEED, 0), ("no such format", _SEED, 1), ("bmp", _SEED, 2)]
    pool.run_jobs(jobs, 1, tmp_path, records.append)
    assert [r["number"] for r in records] == [0, 1, 2]
    assert [r["outcome"] == "died" for r in records] == [False, True, False]
    worker = pool._Worker(None, None, tmp_path, jobs[0], since=-1e6, begun=True)  # type: ignore[arg-type]
    assert worker.late


def _record(number: int, outcome: str) -> dict[str, Any]:
    facts = {"format": "png", "seed": 1, "number": number, "outcome": outcome, "error": ""}
    return {**facts, "said": "why", "what": "a bit", "ms": 2.0, "mb": 90}


def test_the_report_counts_the_last_try_of_each_input_and_names_findings(tmp_path: Path) -> None:
    head = {
        "kind": "fuzz",
        "machine": MACHINE,
        "load_before": 0.0,
        "session": "now",
        "command": "c",
    }
    records = [head, _record(0, "refused"), _record(1, "traceback"), _record(1, "right")]
    assert "2 inputs, 0 findings" in render_markdown(build_document(records))
    text = render_markdown(build_document([*records, _record(2, "hang")]))
    assert "3 inputs, 1 findings" in text
    assert "png 2: hang: why" in text
    (tmp_path / "fuzz.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    target = tmp_path / "fuzzing.md"
    assert fuzz.main(["--out", str(tmp_path), "--report", str(target)]) == 0
    assert "| png | 2 | 1 | 1 |" in target.read_text()


def test_what_is_recorded_is_not_tried_again() -> None:
    done = {("png", 1, 0), ("png", 1, 2), ("gif", 1, 1)}
    left = list(fuzz.jobs_of(["png", "gif"], 1, 3, done))
    assert left == [("png", 1, 1), ("gif", 1, 0), ("gif", 1, 2)]


def _filled(size: int) -> np.ndarray:
    """So many ones in pages of their own: what was freed before and kept would not be growth."""
    pages = np.frombuffer(mmap.mmap(-1, size), dtype=np.uint8)
    pages[:] = 1
    return pages


def test_in_a_process_that_was_large_before_growth_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_LIMIT_BYTES", 1)
    monkeypatch.setattr(trial, "_GROWTH_BYTES", 100 << 20)
    for mebibytes, outcome in ((10, "right"), (200, "memory")):
        takes = _Made(lambda _, size=mebibytes << 20: _filled(size).sum())
        assert try_input(takes, 0, 0, tmp_path)["outcome"] == outcome
