"""A document as Markdown (CommonMark with tables), its figures as files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cnnlab.evaluation.figures.text import literal_text
from cnnlab.reports.document import (
    Block,
    Code,
    Document,
    Figure,
    Heading,
    ItemList,
    KeyFigures,
    Note,
    Paragraph,
    Prose,
    ProseList,
    Quote,
    Span,
    Table,
    figures_of,
    numbered,
)

__all__ = ["FIGURES", "escaped", "figure_files", "render_markdown", "render_plain"]

#: The folder of the figures, beside the Markdown file.
FIGURES = "figures"

#: What CommonMark, or GitHub's dialect, would read inside a line. An underscore within a word and
#: a lone ampersand are letters to both, and most names are easier to read without backslashes.
_INLINE = re.compile(r"([\\`*\[\]<|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=[#A-Za-z])|(?<= )#)")
#: What would open a heading, a quotation, a list or a rule at the start of a line.
_OPENING = re.compile(r"(?:\d{1,9}(?=[.)](?:\s|$)))?([.)#>=+-])")


def figure_files(document: Document) -> dict[str, bytes]:
    """The figures by the path that the Markdown file names them with."""
    figures = figures_of(document)
    files = {f"{FIGURES}/{figure.name}.svg": figure.svg for figure in figures}
    if len(files) != len(figures):
        raise ValueError("two figures of a document share a name")
    return files


def render_markdown(document: Document) -> str:
    """Return the Markdown text; every text of the document's is shown literally."""
    parts = [f"# {escaped(document.title)}", escaped(document.subtitle)]
    parts += [escaped(document.byline)] if document.byline else []
    for number, block in numbered(document.blocks):
        parts.append("\n".join(_lines(number, block)))
    parts += ["---", escaped(document.footer)]
    return "\n\n".join(parts) + "\n"


def render_plain(blocks: Sequence[Block]) -> str:
    """Blocks as part of somebody else's document: no numbers, and no figures, which are files."""
    texts = ["\n".join(_lines("", block)) for block in blocks if not isinstance(block, Figure)]
    return "\n\n".join(texts)


def escaped(text: str) -> str:
    """Take from a text whatever Markdown would read in it."""
    plain = " ".join(literal_text(text).split())
    inline = _INLINE.sub(r"\\\1", plain)
    opening = _OPENING.match(inline)
    return f"{inline[: opening.start(1)]}\\{inline[opening.start(1) :]}" if opening else inline


def _lines(number: str, block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield " ".join(filter(None, ["#" * block.level, number, escaped(block.text)]))
        case Paragraph():
            yield escaped(block.text)
        case Note():
            yield f"> **Note.** {escaped(block.text)}"
        case Code():
            yield from _fenced(block.text)
        case ItemList():
            yield from (f"- {escaped(item)}" for item in block.items)
        case KeyFigures():
            for figure in block.figures:
                yield (
                    f"- **{escaped(figure.label.capitalize())}**: {escaped(figure.value)} "
                    f"({escaped(figure.detail)})"
                )
        case Table():
            yield from _table(number, block)
        case Figure():
            yield f"![{escaped(block.alt)}]({FIGURES}/{block.name}.svg)"
            yield ""
            yield f"*{number}. {escaped(block.caption)}*"
        case _:
            yield from _own_words(block)


def _own_words(block: Prose | ProseList | Quote) -> Iterator[str]:
    """What the author wrote, as Markdown again."""
    match block:
        case Prose():
            yield _prose(block.spans)
        case ProseList():
            yield from _list(block)
        case Quote():
            yield from (f"> {line}".rstrip() for line in _joined(block.blocks))


def _joined(blocks: Sequence[Block]) -> Iterator[str]:
    """The lines of blocks that stand inside another, an empty one between two."""
    for place, block in enumerate(blocks):
        if place:
            yield ""
        yield from _lines("", block)


def _list(block: ProseList) -> Iterator[str]:
    for place, item in enumerate(block.items):
        mark = "- " if block.start is None else f"{block.start + place}. "
        for number, line in enumerate(_joined(item)):
            yield f"{mark if number == 0 else ' ' * len(mark)}{line}".rstrip()
        if not item:
            yield mark.rstrip()


def _prose(spans: Sequence[Span]) -> str:
    """The author's words with their emphasis; what is no emphasis is escaped."""
    text = "".join(map(_span, spans)).strip()
    opening = _OPENING.match(text)
    return f"{text[: opening.start(1)]}\\{text[opening.start(1) :]}" if opening else text


def _span(span: Span) -> str:
    """Marks stand close to the words, or they would not be read as marks."""
    body = span.text.strip()
    if not body:
        return " " if span.text else ""
    if "code" in span.styles:
        longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
        fence = "`" * (longest + 1)
        pad = " " if body.startswith("`") or body.endswith("`") else ""
        said = f"{fence}{pad}{literal_text(body)}{pad}{fence}"
    else:
        said = _INLINE.sub(r"\\\1", " ".join(literal_text(body).split()))
    for style, mark in (("strong", "**"), ("emphasis", "*")):
        if style in span.styles:
            said = f"{mark}{said}{mark}"
    if span.link:
        said = f"[{said}](<{span.link}>)"
    before = " " if span.text[0].isspace() else ""
    return f"{before}{said}{' ' if span.text[-1].isspace() else ''}"


def _fenced(text: str) -> Iterator[str]:
    """A code block whose fence is longer than any run of backticks inside it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}text"
    yield from map(literal_text, text.split("\n"))
    yield fence


def _table(number: str, table: Table) -> Iterator[str]:
    yield f"**{number}.** {escaped(table.caption)}" if number else escaped(table.caption)
    yield ""
    yield _row(table.header)
    yield f"| {' | '.join('---:' if side == 'right' else ':---' for side in table.alignments)} |"
    yield from map(_row, table.rows)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"
