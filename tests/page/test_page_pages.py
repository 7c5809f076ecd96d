"""The pages as they come from the application: what they say, and that they say all of it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
from page_runs import ODD_CLASS, Visitor, seen
from PIL import Image
from small_runs import make_run

from cnnlab.evaluation.audit.records import findings_record
from cnnlab.evaluation.compare import compare
from cnnlab.evaluation.evaluate import evaluate
from cnnlab.files import write_json
from cnnlab.page.index import run_id
from cnnlab.runs import Predictions, Run, list_runs, open_run
from cnnlab.workflows.audit import audit


def test_every_page_is_there(look: Visitor, kept: Path) -> None:
    data = look.get("/runs/first").text.split('href="/data/')[1].split("?")[0]
    for path in ("/", "/try", "/data", f"/data/{data}", "/compare?run=first&run=second"):
        answer = look.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for run in list_runs(kept):
        assert look.get(f"/runs/{run_id(run.name)}").status_code == 200, run.name


def test_an_empty_folder_says_what_to_type(visit: Visitor, runs: Path) -> None:
    shutil.rmtree(runs)
    assert "cnnlab quickstart" in visit.get("/").text
    assert "No network yet" in visit.get("/try").text
    assert "No data yet" in visit.get("/data").text


def test_the_list_names_all_runs_the_broken_ones_too(look: Visitor, kept: Path) -> None:
    page = seen(look.get("/").text)
    for run in list_runs(kept):
        assert run.name in page
    assert "6 runs" in page
    assert "cut off" in page
    assert "metrics.jsonl, line 1" in page


def test_a_name_that_is_not_utf_8_is_shown_by_its_numbers(visit: Visitor, runs: Path) -> None:
    name = os.fsdecode(b"bad\xffname")
    (runs / "second").rename(runs / name)
    for path in ("/", "/data", "/try", f"/runs/{run_id(name)}"):
        answer = visit.get(path)
        assert answer.status_code == 200, path
    assert "bad\\udcffname" in visit.get("/").text


def test_a_run_shows_its_figures_and_every_part(visit: Visitor, runs: Path) -> None:
    evaluation = evaluate(open_run(runs / "first"))
    page = visit.get("/runs/first").text
    text = seen(page)
    low, high = evaluation.scores.top1_interval
    assert f"{100 * evaluation.scores.top1:.2f}%" in text
    assert f"95% interval {100 * low:.2f} to {100 * high:.2f}, n = {evaluation.scores.n}" in text
    for part in ("curves", "confusion", "classes", "hardest", "calibration", "layers", "settings",
                 "ledger"):  # fmt: skip
        assert f'id="{part}"' in page, part
    assert "Rows are true classes, columns are predicted classes" in text
    assert "Test was never opened" in text
    assert "optimizer.lr 0.01" in text


def test_the_matrix_has_each_count_in_its_cell(look: Visitor, kept: Path) -> None:
    with np.load(kept / "first" / "predictions" / "validation.npz") as saved:
        labels, said = saved["labels"], saved["logits"].argmax(1)
    page = look.get("/runs/first").text
    cells = re.findall(
        r'data-true="(\d)" data-predicted="(\d)" aria-label="(\d+) of (\d+) [^"]*"[^>]*>'
        r"([^<]+)</a></td>",
        page,
    )
    assert len(cells) == 9
    for true, predicted, count, total, shown in cells:
        expected = int(((labels == int(true)) & (said == int(predicted))).sum())
        assert int(count) == expected
        assert shown == (str(expected) if expected else "·")
        assert int(total) == int((labels == int(true)).sum())


def test_a_cell_shows_its_images_the_surest_first(look: Visitor, kept: Path) -> None:
    with np.load(kept / "first" / "predictions" / "validation.npz") as saved:
        logits, labels, rows = saved["logits"], saved["labels"], saved["indices"]
    said = logits.argmax(1)
    true, predicted = labels[0], said[0]
    inside = (labels == true) & (said == predicted)
    page = look.get(f"/runs/first/cell?true={true}&predicted={predicted}").text
    found = [int(row) for row in re.findall(r"/images/\w+/(\d+)\.png", page)]
    assert sorted(found) == sorted(rows[inside].tolist())
    logits = logits / open_run(kept / "first").temperature
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    order = {int(row): shares[at, predicted] for at, row in enumerate(rows)}
    assert [order[row] for row in found] == sorted((order[r] for r in found), reverse=True)
    said = re.findall(r"([\d.]+)% sure", page)
    assert said == [f"{100 * order[row]:.1f}" for row in found]
    whole = look.get(f"/runs/first?true={true}&predicted={predicted}").text
    assert page.strip() in whole, "the same without scripts"


def test_an_image_has_the_pixels_of_its_row(look: Visitor, kept: Path) -> None:
    run = open_run(kept / "first")
    dataset = run.open_dataset()
    address = re.findall(r"/data/(\w+)\?", look.get("/runs/first").text)[0]
    for row in (0, 57, len(dataset) - 1):
        answer = look.get(f"/images/{address}/{row}.png")
        assert answer.headers["content-type"] == "image/png"
        pixels = np.asarray(Image.open(io.BytesIO(answer.content)))
        np.testing.assert_array_equal(pixels, dataset.images[row])
    for row in (len(dataset), 10**30, -1, "x"):
        assert look.get(f"/images/{address}/{row}.png").status_code in {404, 422}


def test_images_that_are_gone_are_said_to_be(visit: Visitor, runs: Path) -> None:
    for name in [run.name for run in list_runs(runs)]:
        config = runs / name / "config.yaml"
        text = config.read_text()
        config.write_text(re.sub(r"source: .*", "source: /nowhere/at/all", text))
    page = seen(visit.get("/runs/first/hardest").text)
    assert "The images are not to be had just now" in page
    assert "/nowhere/at/all" in page
    assert visit.get("/runs/first").status_code == 200


def test_a_damaged_part_is_named_and_the_others_are_shown(look: Visitor, kept: Path) -> None:
    page = look.get("/runs/broken").text
    assert "metrics.jsonl, line 1" in seen(page)
    assert 'id="confusion"' in page
    assert 'id="layers"' in page


def test_a_click_never_opens_test_and_what_was_opened_is_shown(visit: Visitor, runs: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    assert "split=test" not in visit.get("/runs/first").text
    answer = visit.get("/runs/first?split=test")
    assert 'id="confusion"' not in answer.text or "not evaluated" in answer.text
    assert visit.get("/runs/first/hardest?split=test").status_code == 404
    assert visit.get("/runs/first/cell?split=test&true=0&predicted=0").status_code == 404
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == before
    evaluation = evaluate(open_run(runs / "first"), "test", command="somebody typed it")
    page = visit.get("/runs/first?split=test")
    assert f"{100 * evaluation.scores.top1:.2f}%" in seen(page.text)
    assert "Test was opened 1 time" in seen(page.text)
    assert "somebody typed it" in seen(page.text)
    assert len(Run(runs / "first").ledger) == 1


def test_a_run_without_images_for_validation_shows_test(visit: Visitor, runs: Path) -> None:
    evaluation = evaluate(open_run(runs / "first"), "test", command="typed")
    file = runs / "first" / "split.json"
    (runs / "first" / "predictions" / "validation.npz").unlink()
    again = f"cnnlab evaluate {runs / 'first'}"
    assert f"<code>{again}</code>" in visit.get("/runs/first").text
    assert "test, as it was opened" in visit.get("/runs/first").text
    file.write_text(json.dumps(json.loads(file.read_text()) | {"validation": []}))
    page = visit.get("/runs/first").text
    assert f"{100 * evaluation.scores.top1:.2f}%" in seen(page)
    assert "test accuracy" in page
    assert f"<code>{again}</code>" not in page
    (runs / "first" / "predictions" / "test.npz").unlink()
    page = visit.get("/runs/first").text
    assert "Its split holds no image for validation" in page
    assert f"<code>{again} --split test</code>" in page
    assert f"<code>{again}</code>" not in page


def test_a_comparison_says_what_cnnlab_compare_says(look: Visitor, kept: Path) -> None:
    opened = [open_run(kept / name) for name in ("first", "second")]
    expected = compare(opened)
    page = seen(look.get("/compare?run=first&run=second").text)
    for text in (*(pair.verdict for pair in expected.pairs), *expected.notes):
        assert " ".join(text.split()).lower() in page.lower()
    assert "seed" in page
    assert look.get("/compare?run=first").status_code == 422
    assert look.get("/compare?run=first&run=nobody").status_code == 404


def test_the_data_page_counts_what_is_there(look: Visitor, kept: Path) -> None:
    run = open_run(kept / "first")
    dataset, split = run.open_dataset(), run.rows()
    key = re.findall(r"/data/(\w+)\?", look.get("/runs/first").text)[0]
    page = look.get(f"/data/{key}").text
    for label, name in enumerate(dataset.class_names):
        counts = [int((dataset.labels[split.rows(p)] == label).sum())
                  for p in ("train", "validation", "test")]  # fmt: skip
        assert name in seen(page)
        row = " ".join(f'<td class="right" data-value="{c}">{c}</td>' for c in counts)
        assert row.replace("> <", "><") in page
    shown = re.findall(r"/images/\w+/(\d+)\.png", look.get(f"/data/{key}/samples").text)
    assert shown
    assert set(map(int, shown)) <= set(split.train.tolist()), "test stays out of sight"


def test_an_audit_that_was_made_is_shown_with_its_pairs(
    visit: Visitor, runs: Path, tmp_path: Path, pictures: Path
) -> None:
    key = re.findall(r"/data/(\w+)\?", visit.get("/runs/first").text)[0]
    assert "No audit" in visit.get(f"/data/{key}").text
    checks = ("duplicates", "balance")
    done = audit(str(pictures), checks=checks)
    (tmp_path / "audits" / "stripes").mkdir(parents=True)
    write_json(tmp_path / "audits" / "stripes" / "findings.json", findings_record(done.findings))
    (tmp_path / "audits" / "stripes" / "report.html").write_text("<h1>Audit</h1>")
    page = visit.get(f"/data/{key}").text
    assert done.findings.duplicates is not None
    shown = page.count('<figure class="pair">')
    assert shown == min(24, len(done.findings.duplicates.first))
    report = visit.get(f"/data/{key}/audit")
    assert report.status_code == 200
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts; ")


def test_names_that_want_to_act_are_shown_literally(look: Visitor, kept: Path) -> None:
    """Case 11: on every page."""
    pages = ["/", "/try", "/data", "/compare?run=first&run=second", "/runs/first/hardest"]
    pages += [f"/runs/{run_id(run.name)}" for run in list_runs(kept)]
    pages += ["/runs/first/cell?true=1&predicted=1", "/runs/first?true=1&predicted=1"]
    key = re.findall(r"/data/(\w+)\?", look.get("/runs/first").text)[0]
    pages += [f"/data/{key}", f"/data/{key}/samples"]
    for path in pages:
        page = look.get(path).text
        assert "<img src=x" not in page, path
        assert "<b onclick" not in page, path
        assert "<i>" not in page.replace('<i class="v', ""), path
    assert ODD_CLASS in seen(look.get("/runs/first").text)


def test_a_report_is_shown_and_runs_nothing_of_its_own(visit: Visitor, runs: Path) -> None:
    assert visit.get("/runs/first/report").status_code == 404
    (runs / "first" / "report.html").write_text("<h1>Report</h1><script>alert(1)</script>")
    answer = visit.get("/runs/first/report")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["sandbox"] == "allow-scripts"
    assert directives["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", directives["script-src"])


def test_a_large_matrix_is_drawn_and_each_cell_can_be_reached(visit: Visitor, runs: Path) -> None:
    run = make_run(runs, "many")
    record = run.split
    record["dataset"]["class_names"] = [f"kind {number}" for number in range(120)]
    (run.path / "split.json").write_text(json.dumps(record))
    labels = np.arange(120, dtype=np.int64)
    said = (labels + (labels % 10 == 0)) % 120
    logits = np.eye(120, dtype=np.float32)[said]
    run.save_predictions("validation", Predictions(logits, labels, labels))
    page = visit.get("/runs/many").text
    drawn = re.findall(r'<rect class="v20" x="(\d+)" y="(\d+)"', page)
    assert [(int(y), int(x)) for x, y in drawn] == list(zip(labels, said, strict=True))
    assert page.count("<option") == 240
    cell = visit.get("/runs/many/cell?true=10&predicted=11")
    assert "kind 10, taken for kind 11" in seen(cell.text)
    assert visit.get("/runs/many/cell?true=10&predicted=120").status_code == 404
