"""The author's own words: a subset of Markdown as parts of a document.

Paragraphs, headings, emphasis, code, links, quotations, lists and tables as CommonMark has them.
Everything else is shown as it was typed: HTML is text here, never markup, and pictures are named,
not loaded, so a document asks for nothing that its reader did not get.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from cnnlab.reports.document import (
    Align,
    Block,
    Code,
    Heading,
    Prose,
    ProseList,
    Quote,
    Span,
    Style,
    Table,
)

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

__all__ = ["blocks_of_markdown"]

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
#: Where a link may lead: nothing that a reader's machine would run or open by itself.
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
#: A paragraph behind a table that begins so is its caption, as in Pandoc.
_CAPTION = re.compile(r"(?:Table)?:\s+")
_STYLES: dict[str, Style] = {"strong": "strong", "em": "emphasis"}


def blocks_of_markdown(text: str) -> list[Block]:
    """Read Markdown; comments (``<!-- ... -->``) are left out, headings stand inside a section."""
    from markdown_it.tree import SyntaxTreeNode

    return _blocks(SyntaxTreeNode(_reader().parse(text)).children)


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> list[Block]:
    found: list[Block] = []
    for node in nodes:
        for block in _block(node):
            caption = _caption(found, block)
            if caption is None:
                found.append(block)
            else:
                table = found.pop()
                assert isinstance(table, Table)
                found.append(Table(table.header, table.rows, table.alignments, caption))
    return found


def _caption(before: Sequence[Block], block: Block) -> str | None:
    """The caption that a paragraph gives the table before it; None where it is none."""
    if not before or not isinstance(before[-1], Table) or not isinstance(block, Prose):
        return None
    marked = _CAPTION.match(block.text)
    return None if marked is None else block.text[marked.end() :]


def _block(node: SyntaxTreeNode) -> Iterator[Block]:
    match node.type:
        case "paragraph":
            spans = tuple(_spans(node))
            if spans:
                yield Prose(spans)
        case "heading":
            yield Heading("".join(span.text for span in _spans(node)), level=3)
        case "fence" | "code_block":
            yield Code(node.content.removesuffix("\n"))
        case "bullet_list" | "ordered_list":
            start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
            yield ProseList(tuple(_inside(item) for item in node.children), start)
        case "blockquote":
            yield Quote(_inside(node))
        case "table":
            yield _table(node)
        case "html_block":
            left = _COMMENT.sub("", node.content).strip()
            if left:
                yield Code(left)


def _inside(node: SyntaxTreeNode) -> tuple[Block, ...]:
    """The blocks of an item or a quotation: what is numbered elsewhere is plain words there."""
    return tuple(words for block in _blocks(node.children) for words in _unnumbered(block))


def _unnumbered(block: Block) -> Iterator[Block]:
    match block:
        case Heading():
            yield Prose((Span(block.text, frozenset(("strong",))),))
        case Table():
            yield from (Prose((Span(" | ".join(row)),)) for row in (block.header, *block.rows))
        case _:
            yield block


def _table(node: SyntaxTreeNode) -> Table:
    rows = [
        tuple("".join(span.text for span in _spans(cell)) for cell in row.children)
        for part in node.children
        for row in part.children
    ]
    header = node.children[0].children[0].children
    right = [str(cell.attrs.get("style", "")).endswith("right") for cell in header]
    alignments: tuple[Align, ...] = tuple("right" if side else "left" for side in right)
    return Table(rows[0], tuple(rows[1:]), alignments, caption="")


def _spans(
    node: SyntaxTreeNode, styles: frozenset[Style] = frozenset(), link: str = ""
) -> Iterator[Span]:
    for child in node.children:
        match child.type:
            case "text":
                yield Span(child.content, styles, link)
            case "softbreak" | "hardbreak":
                yield Span(" ", styles, link)
            case "code_inline":
                yield Span(child.content, styles | {"code"}, link)
            case "html_inline":
                left = _COMMENT.sub("", child.content)
                if left:
                    yield Span(left, styles, link)
            case "image":
                yield Span(f"[picture: {child.content}]", styles, link)
            case "link":
                target = str(child.attrs.get("href", ""))
                yield from _spans(child, styles, target if _LINK.match(target) else "")
            case "em" | "strong":
                yield from _spans(child, styles | {_STYLES[child.type]}, link)
            case _:  # "inline", which holds what stands on a line
                yield from _spans(child, styles, link)
