"""What changes while the page is looked at is shown, and nobody loses their place by it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from page_browsing import IN_A_BROWSER, served, wait_until

from cnnlab.files import exclusive_lock
from cnnlab.runs import Run

pytestmark = IN_A_BROWSER


def _count(number: int) -> str:
    return f"document.querySelectorAll('#runs tbody tr').length === {number}"


def test_the_first_run_appears_and_the_last_disappears(
    page: Any, trained: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    with served(runs) as site:
        page.goto(site.address)
        assert "appears here by itself" in page.locator("#no-runs").inner_text()
        shutil.copytree(trained / "first", runs / "first")
        page.wait_for_selector("#runs tbody tr")
        shutil.rmtree(runs / "first")
        page.wait_for_selector("#no-runs")


def test_what_changed_before_the_first_look_is_shown(page: Any, runs: Path) -> None:
    with served(runs) as site:
        page.goto(site.address)
        page.locator("#filter").fill("late")
        shutil.copytree(runs / "first", runs / "latest")
        wait_until(
            page, f"{_count(7)} && document.getElementById('count').innerText === '1 of 7 runs'"
        )


def test_a_focus_in_the_list_neither_stops_it_nor_is_lost(page: Any, runs: Path) -> None:
    with served(runs) as site:
        page.goto(site.address)
        page.get_by_label("Compare first").check()
        page.get_by_role("link", name="second").focus()
        for number, name in enumerate(("third", "fourth"), start=7):
            shutil.copytree(runs / "first", runs / name)
            wait_until(page, _count(number))
            assert page.evaluate("document.activeElement.innerText") == "second"
            assert page.get_by_label("Compare first").is_checked()
        page.get_by_label("Compare second").focus()
        shutil.rmtree(runs / "third")
        wait_until(page, _count(7))
        assert page.evaluate("document.activeElement.value") == "second"


def test_a_training_goes_on_under_the_focus(page: Any, runs: Path) -> None:
    run = Run(runs / "cut")
    run.append("resources.jsonl", {"seconds": 1.0, "cpu_percent": 90.0, "memory_bytes": 1e6})
    with served(runs) as site, exclusive_lock(run.lock_file):
        page.goto(f"{site.address}/runs/cut")
        opened = page.locator("#live details.numbers").nth(1)
        opened.locator("summary").click()
        page.locator("#live details.more > summary").click()
        run.append("metrics.jsonl", {"stage": 1, "epoch": 3, "train_accuracy": 0.75,
                                     "train_loss": 0.5})  # fmt: skip
        wait_until(page, "document.querySelectorAll('#live tbody')[1].rows.length === 3")
        assert opened.evaluate("one => one.open")
        assert not page.locator("#live details.more").evaluate("one => one.open")
        focused = "document.activeElement.innerText"
        assert page.evaluate(focused) == "What the machine did meanwhile"
        opened.locator("summary").focus()
        run.append("metrics.jsonl", {"stage": 1, "epoch": 4, "train_accuracy": 0.75,
                                     "train_loss": 0.5})  # fmt: skip
        wait_until(page, "document.querySelectorAll('#live tbody')[1].rows.length === 4")
        assert "Numbers" in page.evaluate(focused)
        assert opened.locator("summary").evaluate("one => one === document.activeElement")
