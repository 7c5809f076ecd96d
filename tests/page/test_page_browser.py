"""The page in a real browser: what a person does, at a desk and on a telephone."""

from __future__ import annotations

import io
import re
import shutil
import threading
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_browsing import IN_A_BROWSER, Site, settle, wait_until
from page_runs import ODD_CLASS, ODD_RUN, settings_of
from PIL import Image

from cnnlab.errors import Interrupted
from cnnlab.evaluation.evaluate import evaluate
from cnnlab.page.index import run_id
from cnnlab.reports.document import Document, Table
from cnnlab.reports.html import render_html
from cnnlab.runs import Run
from cnnlab.training.loop import train

pytestmark = IN_A_BROWSER


def paths_of(site: Site) -> list[str]:
    """Every kind of page."""
    key = Run(site.runs / "first").split["dataset"]["fingerprint"][:16]
    return ["/", "/runs/first", "/runs/first?true=0&predicted=0", f"/runs/{run_id(ODD_RUN)}",
            "/compare?run=first&run=second", "/try", "/data", f"/data/{key}"]  # fmt: skip


def test_two_runs_are_ticked_filtered_sorted_and_compared(page: Any) -> None:
    page.goto("/")
    assert page.locator("#runs tbody tr").count() == 4
    assert page.locator("#compare").is_disabled()
    page.get_by_role("button", name="Validation accuracy").click()
    told = page.eval_on_selector_all(
        "#runs td[data-label^=Validation]", "all => all.map(one => one.dataset.value)"
    )
    shares = [float(value or -1) for value in told]
    assert shares == sorted(shares, reverse=True)
    page.keyboard.press("Escape")
    page.locator("#filter").fill("sec")
    assert page.locator("#runs tbody tr:visible").count() == 1
    assert "1 of 4 runs" in page.locator("#count").inner_text()
    page.locator("#filter").fill("")
    page.get_by_label("Compare first").check()
    page.get_by_label("Compare second").check()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_url("**/compare?*")
    assert "no detectable difference" in page.locator(".verdict").inner_text()
    assert page.locator("#curves ~ .plots svg.chart").count() == 2


def test_a_cell_is_opened_by_click_and_by_keyboard(page: Any, site: Site) -> None:
    matrix = np.load(site.runs / "first" / "predictions" / "validation.npz")
    expected = int(((matrix["labels"] == 0) & (matrix["logits"].argmax(1) == 0)).sum())
    page.goto("/runs/first")
    page.locator('.cell[data-true="0"][data-predicted="0"]').click()
    page.wait_for_selector("#cell .image")
    assert page.locator("#cell .image").count() == expected
    assert f"{ODD_CLASS}, recognised" in page.locator("#cell-title").inner_text()
    page.locator("#cell").scroll_into_view_if_needed()
    wait_until(page, "document.querySelector('#cell img').naturalWidth === 12")
    page.locator('.cell[data-true="0"][data-predicted="0"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator("#cell-title", has_text="class 0, recognised").wait_for()
    assert page.url.endswith("true=1&predicted=1")


def test_an_image_is_dropped_and_answered(page: Any) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((30, 40, 3), 200, dtype=np.uint8)).save(stream, "png")
    page.goto("/try?run=second")
    assert page.locator("select[name=run]").input_value() == "second"
    page.evaluate(
        """([bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "grey.png", {type: "image/png"}));
            const drop = document.getElementById("drop");
            drop.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
        }""",
        [list(stream.getvalue())],
    )
    page.wait_for_selector(".trial .shares")
    assert page.locator(".trial .shares li").count() == 3
    shown = page.locator(".trial-pictures img").first
    assert shown.evaluate("image => image.naturalWidth") == 192


def test_too_many_bytes_are_refused_before_they_are_sent(page: Any) -> None:
    page.goto("/try?run=second")
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    page.evaluate("""() => {
        const data = new DataTransfer();
        const part = new Uint8Array(13 << 20);
        for (const name of ["a", "b", "c", "d", "e"]) data.items.add(new File([part], name));
        const drop = document.getElementById("drop");
        drop.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
    }""")
    said = page.locator("#try-state").inner_text()
    assert said.startswith("These have 65 MiB together, and 64 can be sent at once.")
    assert sent == []


def test_a_report_s_table_is_sorted_and_no_script_but_ours_runs(
    page: Any, site: Site, browser: Any
) -> None:
    path = site.runs / "second" / "report.html"
    rows = [["b", "0.5", "1"], ["a", "0.9", "2"], ["c", "0.1", "3"]]
    table = Table.of(["class", "F1", "support"], rows, "Scores")
    path.write_text(render_html(Document("t", "s", (table,), "f")), encoding="utf-8")
    page.goto("/runs/second/report")
    page.locator("th", has_text="F1").locator("button").click()
    cells = page.locator("tbody td:nth-child(2)")
    assert cells.all_inner_texts() == ["0.1", "0.5", "0.9"]
    assert page.evaluate("self.origin") == "null"  # a sandbox: nothing here is the page's

    act = "document.title = 'taken'"
    hostile = f'<script>{act}</script><img src="x" onerror="{act}">'
    content = path.read_text(encoding="utf-8").replace("</main>", f"{hostile}</main>")
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    path.write_text(policy.sub("", content), encoding="utf-8")  # it may come from anybody
    window = browser.new_page(base_url=site.address)
    window.goto("/runs/second/report")
    window.locator("th", has_text="F1").locator("button").click()
    assert window.title() == "t"
    window.close()
    path.unlink()


def test_curves_grow_while_a_run_is_trained_and_the_button_stops_it(
    page: Any, site: Site, pictures: Path, tiny_model: Path
) -> None:
    ended: list[Interrupted] = []

    def work() -> None:
        try:
            settings = settings_of(pictures, tiny_model, name="live", training={"epochs": 100_000})
            train(settings, site.runs)
        except Interrupted as error:
            ended.append(error)

    page.goto("/")
    thread = threading.Thread(target=work)
    thread.start()
    try:
        page.wait_for_selector("#runs tr[data-status=running]")
        page.goto("/runs/live")
        page.wait_for_selector("#live svg.chart")
        # Not the number of rows: of a long training every second epoch is shown, or fewer.
        newest = (
            "Number(document.querySelector('#live tbody tr:last-child').cells[0]"
            ".textContent.replaceAll(',', ''))"
        )
        before = page.evaluate(newest)
        assert before >= 1
        wait_until(page, f"{newest} > {before}")
        page.get_by_role("button", name="Stop training").click()
        thread.join(30)
        assert [error.exit_code for error in ended] == [143]
        page.wait_for_selector(".pill.unfinished")
        assert "--resume" in page.locator("#next ~ .command").first.inner_text()
    finally:
        (site.runs / "live" / "stop").touch()
        thread.join(30)
        shutil.rmtree(site.runs / "live")


def test_no_page_is_wider_than_a_telephone(page: Any, site: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in paths_of(site):
        page.goto(path)
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_a_telephone_sorts_by_a_list_and_has_no_stop_that_is_not_seen(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    sort = page.get_by_label("Sort by")
    assert sort.evaluate("one => one.selectedOptions[0].text") == "When, descending"
    names = page.locator("#runs tbody th a")
    for direction in ("ascending", "descending"):
        sort.select_option(label=f"Name, {direction}")
        shown = [name.lower() for name in names.all_inner_texts()]
        assert shown[-1 if direction == "ascending" else 0] == "second"
    page.evaluate("document.activeElement.blur()")
    for _ in range(20):
        page.keyboard.press("Tab")
        unseen = page.evaluate("document.activeElement.closest('thead') !== null")
        assert not unseen
    page.set_viewport_size({"width": 1440, "height": 900})
    assert not sort.is_visible()
    page.get_by_role("button", name="Name").click()
    assert sort.evaluate("one => one.selectedOptions[0].text") == "Name, ascending"


def test_a_long_name_makes_no_page_wider(page: Any, site: Site) -> None:
    long = site.runs / ("x" * 100)
    shutil.copytree(site.runs / "first", long)
    try:
        for width in (390, 800, 1024):
            page.set_viewport_size({"width": width, "height": 844})
            for path in (paths_of(site)[-1], f"/runs/{long.name}", "/", f"/try?run={long.name}"):
                page.goto(path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    finally:
        shutil.rmtree(long)


def test_the_switch_between_splits_breaks_no_word(page: Any, site: Site) -> None:
    evaluate(Run(site.runs / "second"), "test", command="typed")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/runs/second")
    heights = page.locator(".switch a").evaluate_all("all => all.map((one) => one.offsetHeight)")
    assert len(heights) == 2
    assert max(heights) < 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    ("scheme", "options"),
    [("light", "{}"), ("dark", "{runOnly: ['color-contrast']}")],
    ids=["light", "dark"],
)
def test_no_page_keeps_anybody_out(page: Any, site: Site, scheme: str, options: str) -> None:
    """axe-core finds nothing serious: names, labels, contrast, order of headings."""
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page.emulate_media(color_scheme=scheme)
    for path in (path for path in paths_of(site) if path not in {"/runs/first", "/data"}):
        page.goto(path)
        settle(page)
        page.evaluate(axe)
        found = page.evaluate(f"axe.run(document, {options})")["violations"]
        grave = [
            f"{one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        assert grave == [], f"{path}, {scheme}"
