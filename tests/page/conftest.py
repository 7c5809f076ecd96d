"""A folder of runs as a user has them: good ones, odd ones, broken ones; and who looks at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_browsing import CHROMIUM, FLAGS, Site, served
from page_runs import ODD_CLASS, ODD_RUN, Visitor, settings_of
from small import write_images

from cnnlab.page import PageSettings, create_app
from cnnlab.workflows.train import train_and_evaluate


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 learnable images in three classes, one of which has a name that wants to act."""
    folder = write_images(tmp_path_factory.mktemp("page-data") / "stripes")
    (folder / "class 1").rename(folder / ODD_CLASS)
    return folder


@pytest.fixture(scope="session")
def trained(pictures: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, trained and evaluated."""
    runs = tmp_path_factory.mktemp("page") / "runs"
    for name, seed in (("first", 0), ("second", 1)):
        train_and_evaluate(settings_of(pictures, tiny_model, name=name, seed=seed), runs)
    return runs


@pytest.fixture(scope="session")
def kept(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two runs, one that was cut off, one with a name that wants to act, two damaged ones.

    For looking only; ``runs`` is for who changes something.
    """
    folder = tmp_path_factory.mktemp("kept") / "runs"
    shutil.copytree(trained, folder)
    shutil.copytree(folder / "first", folder / "cut")
    (folder / "cut" / "result.json").unlink()
    shutil.rmtree(folder / "cut" / "predictions")
    shutil.copytree(folder / "first", folder / ODD_RUN)
    shutil.copytree(folder / "first", folder / "broken")
    (folder / "broken" / "metrics.jsonl").write_text('{"stage": 1, "epoch": "<i>"}\n')
    shutil.copytree(folder / "first", folder / "torn")
    split = folder / "torn" / "split.json"
    split.write_bytes(split.read_bytes()[: split.stat().st_size // 2])
    return folder


@pytest.fixture(scope="session")
def look(kept: Path) -> Visitor:
    """A visitor of the page over ``kept``."""
    return Visitor(create_app(PageSettings(kept, kept.parent / "audits")))


@pytest.fixture
def runs(kept: Path, tmp_path: Path) -> Path:
    """A copy of ``kept``."""
    shutil.copytree(kept, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def visit(runs: Path, tmp_path: Path) -> Visitor:
    """A visitor of the page over ``runs``."""
    return Visitor(create_app(PageSettings(runs, tmp_path / "audits")))


@pytest.fixture(scope="module")
def site(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page on a free port, with a run that was cut off and one with an odd name."""
    runs = tmp_path_factory.mktemp("site") / "runs"
    shutil.copytree(trained, runs)
    shutil.copytree(runs / "first", runs / ODD_RUN)
    shutil.copytree(runs / "first", runs / "cut")
    (runs / "cut" / "result.json").unlink()
    with served(runs) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One chromium for all tests of a file."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    """A window of a desk's width; that nothing went wrong in it is checked at the end."""
    window = browser.new_page(base_url=site.address, viewport={"width": 1440, "height": 900})
    window.set_default_timeout(15_000)
    wrong: list[str] = []
    window.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    window.on("pageerror", lambda error: wrong.append(str(error)))
    window.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    yield window
    window.close()
    assert wrong == []
