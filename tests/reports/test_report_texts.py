"""The author's own words in all formats, and what of them is no markup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from test_report_html import Page
from test_report_markdown import Rendered

from cnnlab.errors import DataError, StorageError, UnknownNameError
from cnnlab.reports import build_document, write_report
from cnnlab.reports.document import Code, Document, Heading, Prose, ProseList, Quote, Table
from cnnlab.reports.html import render_html
from cnnlab.reports.markdown import render_markdown
from cnnlab.reports.pdf import render_pdf
from cnnlab.reports.prose import blocks_of_markdown
from cnnlab.reports.section import SECTIONS
from cnnlab.reports.texts import read_texts, write_stubs
from cnnlab.runs import Run

WORDS = """
Why **small** networks, and *how* small? See [the paper](https://example.org/a?b=1&c=2).

1. first `x < 1`
   - inner
2. second

> quoted

| model | accuracy |
|-------|---------:|
| A     | 0.9      |

Table: What others reached.

## A part of it

```
cnnlab train  --seed 1
```
"""


def rendered(*blocks: object) -> tuple[str, str]:
    document = Document("t", "s", tuple(blocks), "f")  # type: ignore[arg-type]
    return render_html(document), render_markdown(document)


def test_what_markdown_says_becomes_parts() -> None:
    blocks = blocks_of_markdown(WORDS)
    assert [type(b) for b in blocks] == [Prose, ProseList, Quote, Table, Heading, Code]
    prose, numbered, _, table, heading, code = blocks
    assert [(s.text, s.styles, s.link) for s in prose.spans][1] == ("small", {"strong"}, "")
    assert prose.spans[-2].link == "https://example.org/a?b=1&c=2"
    assert numbered.start == 1
    assert isinstance(numbered.items[0][1], ProseList)
    assert table.caption == "What others reached."
    assert table.alignments == ("left", "right")
    assert heading == Heading("A part of it", level=3)
    assert code.text == "cnnlab train  --seed 1"


def test_the_words_are_the_same_in_html_and_in_markdown() -> None:
    html, markdown = rendered(*blocks_of_markdown(WORDS))
    for tags in ({t for t, _ in Page(html).elements}, set(Rendered(markdown).tags())):
        assert {"strong", "em", "ol", "ul", "blockquote", "table", "pre", "code", "a"} <= tags
    links = [a for a in Page(html).all("a") if a["href"].startswith("https")]
    assert [link["href"] for link in links] == ["https://example.org/a?b=1&c=2"]
    assert "https://example.org/a?b=1&amp;c=2" in MarkdownIt().render(markdown)


def test_markup_is_shown_and_never_followed() -> None:
    text = (
        "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> <b>bold</b> <!-- gone -->\n\n"
        "[a](javascript:alert(1)) [b](data:text/html,x) [c](file:///etc/passwd) [d](../x.html)\n\n"
        "![seen](http://example.org/p.png)\n\n#set text(red) $x$ \\alpha\n"
    )
    html, markdown = rendered(*blocks_of_markdown(text))
    page = Page(html)
    assert len(page.all("script")) == 1  # ours, which sorts tables
    assert not page.all("img")
    assert not page.all("b")
    assert [a["href"] for a in page.all("a")] == ["#main"]
    words = "".join(page.texts["p"])
    for part in ("<b>bold</b>", "onerror=alert(1)", "[picture: seen]", "#set text(red) $x$"):
        assert part in words
    assert "gone" not in html
    assert {"img", "script", "b"}.isdisjoint(Rendered(markdown).tags())


@given(st.text(st.sampled_from("*_`[]()<>|~$&!#-+=.1aZ \\:;\"'{}^@/\t\n"), max_size=40))
def test_no_text_breaks_a_page(text: str) -> None:
    html, markdown = rendered(*blocks_of_markdown(text))
    page = Page(html)  # every element is closed
    allowed = {"https", "http:", "mailt", "#main", "#1", "#1.1", "#0.1"}
    for link in page.all("a"):
        assert link["href"].startswith(tuple(allowed)) or link["href"][0] == "#"
    assert len(page.all("script")) == 1
    render_markdown(Document("t", "s", tuple(blocks_of_markdown(markdown)), "f"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "words"
    place.mkdir()
    (place / "title.md").write_text("# Small *networks*\n\nA. Student\n\nCourse 1\n", "utf-8")
    (place / "introduction.md").write_text("# Introduction\n\nWhy: 猫 & <b>.\n", "utf-8")
    (place / "conclusions.md").write_text("\ufeffMy **own** conclusion.\n", "utf-8")
    (place / "README.md").write_text("not for the report", "utf-8")
    (place / "notes.txt").write_text("neither", "utf-8")
    return place


def test_words_stand_in_their_sections_before_what_was_measured(odd_run: Run, folder: Path) -> None:
    document = build_document([odd_run], read_texts(folder))
    assert (document.title, document.byline) == ("Small networks", "A. Student, Course 1")
    blocks = document.blocks
    assert blocks[0] == Heading("Introduction")
    assert isinstance(blocks[1], Prose)  # the file's own heading is not said twice
    assert blocks[1].text == "Why: 猫 & <b>."
    place = blocks.index(Heading("Conclusions"))
    assert isinstance(blocks[place + 1], Prose)
    assert len(blocks) > place + 2
    assert render_pdf(document).startswith(b"%PDF-")


def test_words_beside_a_report_are_found_and_kept(
    make_run: Callable[..., Run], folder: Path, tmp_path: Path
) -> None:
    run = make_run("plain", stages=(), evaluated=(), status=None)
    out = tmp_path / "out"
    out.mkdir()
    kept = folder.rename(out / "text")
    before = {path: path.read_bytes() for path in kept.iterdir()}
    for _ in range(2):
        (page,) = write_report([run], out, ["html"])
        assert "My <strong>own</strong> conclusion." in page.read_text("utf-8")
        assert {path: path.read_bytes() for path in kept.iterdir()} == before


def test_a_new_folder_gets_hints_that_are_not_printed(tmp_path: Path) -> None:
    place = tmp_path / "new"
    written = write_stubs(place)
    assert {path.stem for path in written} - {"title"} <= set(SECTIONS)
    # Sections that are only what the author writes, above all.
    assert {"title", "introduction", "discussion", "references"} <= {p.stem for p in written}
    assert write_stubs(place) == []
    texts = read_texts(place)
    assert (texts.sections, texts.title, texts.byline) == ({}, "", "")
    own = place / "conclusions.md"
    own.write_text("mine", "utf-8")
    assert write_stubs(place) == []
    assert own.read_text("utf-8") == "mine"


def test_what_cannot_be_read_is_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(StorageError, match="no folder of texts"):
        read_texts(tmp_path / "nowhere")
    (folder / "conclusion.md").write_text("x")
    with pytest.raises(UnknownNameError, match=r"conclusion\.md.*did you mean 'conclusions'"):
        read_texts(folder)
    (folder / "conclusion.md").unlink()
    (folder / "data.md").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match=r"data\.md: byte 3 is not UTF-8"):
        read_texts(folder)
