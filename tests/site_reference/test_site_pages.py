"""The pages that are made when the site is built: complete, and true to the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from site_reference.command_line import command_line_page
from site_reference.navigation import completed
from site_reference.notebook import notebook_page
from site_reference.python_api import python_pages, returned_classes
from site_reference.settings import settings_page
from site_reference.tables import code, table

import cnnlab
from cnnlab.cli.main import main
from cnnlab.config import RunConfig
from cnnlab.models import MODELS
from cnnlab.optim import OPTIMIZERS

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def command_line():
    return command_line_page()


@pytest.fixture(scope="module")
def settings():
    return settings_page()


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        (["train"], ["--model", "--seeds", "--checkpoint-every", "--json"]),
        (["data", "show"], ["--set", "--out"]),
        (["runs", "rm"], ["--runs"]),
    ],
)
def test_a_verbs_chapter_has_the_options_that_its_help_has(command_line, verb, options, capsys):
    with pytest.raises(SystemExit):
        main([*verb, "--help"])
    said = set(re.findall(r"^ +(--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    assert set(options) <= said
    name = " ".join(["cnnlab", *verb])
    chapter = command_line.split(f"## {name}\n")[1].split("\n## ")[0]
    assert said - {"--help"} <= set(re.findall(r"--[a-z-]+", chapter))
    assert "<code>" in chapter


def test_what_stands_in_a_table_is_one_row_of_it(command_line, settings):
    for page in (command_line, settings):
        for part in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
            html = MarkdownIt("commonmark", {"html": True}).enable("table").render(part)
            assert html.count("<tr>") == len(part.splitlines()) - 1, part


def test_every_setting_stands_with_its_default(settings):
    def walk(values, prefix=""):
        for key, value in values.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict) and value:
                yield from walk(value, f"{name}.")
            else:
                yield name, value

    for name, value in walk(RunConfig().to_dict()):
        row = re.search(rf"^\| <code>{re.escape(name)}</code> \| (.*?) \| (.+) \|$", settings, re.M)
        assert row, name
        shown = re.sub("</?code>", "", row[1])
        assert yaml.safe_load(shown) == value or shown == str(value), name
    early = (
        r"training.early_stopping.patience</code> \| <code>3</code> \| a whole number, at least 1"
    )
    assert re.search(early, settings)
    for name in [*OPTIMIZERS, *MODELS]:
        assert name in settings


def test_every_public_name_is_shown():
    pages = python_pages()
    for name in cnnlab.__all__:
        assert f'heading: "cnnlab.{name}"' in pages["reference/functions.md"]
    names = [found.__name__ for found in returned_classes()]
    assert {"Run", "Trained", "Comparison", "Evaluation", "Dataset"} <= set(names)
    assert pages["reference/objects.md"].count("::: ") == len(names)


def test_a_notebook_is_its_words_and_its_code(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# T\n", "words"]},
        {"cell_type": "code", "source": ["a = 1\n", "a"]},
    ]
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    title, note, code_block = notebook_page(path).split("\n\n")
    assert title == "# T\nwords"
    assert "[n.ipynb](n.ipynb)" in note
    assert code_block == "```python\na = 1\na\n```\n"


def test_pages_that_nobody_named_come_last_in_their_section():
    named = [{"Home": "index.md"}, {"How to": ["b.md"]}, {"Results": [{"Log": "results/log.md"}]}]
    pages = ["a.md", "b.md", "index.md", "results/log.md", "results/x.md"]
    assert completed(named, pages) == [
        {"Home": "index.md"},
        {"How to": ["b.md", "a.md"]},
        {"Results": [{"Log": "results/log.md"}, "results/x.md"]},
    ]
    assert named[1] == {"How to": ["b.md"]}


def test_cells_are_literal():
    assert code("a|b <c>") == "<code>a&#124;b &lt;c&gt;</code>"
    assert table(["x", "y"], [["1", "two\nlines"]]) == "| x | y |\n| --- | --- |\n| 1 | two lines |"


def test_the_site_takes_nothing_from_elsewhere():
    text = (ROOT / "mkdocs.yml").read_text() + (ROOT / "docs/assets/site.css").read_text()
    assert not re.search(r"https?://", text)
    assert "font: false" in text


def test_links_between_pages_stay_within_the_documentation():
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not re.match(r"https?://", target) and not target.startswith("../reference/"):
                inside = (page.parent / target).resolve().is_relative_to(ROOT / "docs")
                assert inside, f"{page}: {target}"
