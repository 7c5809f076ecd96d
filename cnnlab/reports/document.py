"""What a report is made of, whatever it is written as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = [
    "Align",
    "Block",
    "Code",
    "Document",
    "Figure",
    "Heading",
    "ItemList",
    "KeyFigure",
    "KeyFigures",
    "Note",
    "Paragraph",
    "Prose",
    "ProseList",
    "Quote",
    "Span",
    "Table",
    "figures_of",
    "numbered",
]

Align = Literal["left", "right"]
Style = Literal["strong", "emphasis", "code"]


@dataclass(frozen=True)
class Heading:
    """A heading; 2 opens a section, 3 stands inside one."""

    kind: ClassVar = "heading"
    text: str
    level: Literal[2, 3] = 2


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    kind: ClassVar = "paragraph"
    text: str


@dataclass(frozen=True)
class Note:
    """What must not be overlooked: something is missing, unfinished or uncertain."""

    kind: ClassVar = "note"
    text: str


@dataclass(frozen=True)
class Code:
    """What is typed or printed, line breaks kept."""

    kind: ClassVar = "code"
    text: str


@dataclass(frozen=True)
class ItemList:
    """Short statements."""

    kind: ClassVar = "items"
    items: tuple[str, ...]


@dataclass(frozen=True)
class KeyFigure:
    """One number that a reader looks for first, e.g. "Test accuracy", "78.65%", "n = 10,000"."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class KeyFigures:
    """A few key figures side by side."""

    kind: ClassVar = "key-figures"
    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class Table:
    """Cells of text; the first column names its row.

    ``alignments`` has one entry a column. ``compact``: many narrow columns, small print.
    """

    kind: ClassVar = "table"
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    alignments: tuple[Align, ...]
    caption: str
    compact: bool = False

    def __post_init__(self) -> None:
        widths = {len(self.header), len(self.alignments), *map(len, self.rows)}
        if len(widths) != 1:
            raise ValueError(f"the table '{self.caption}' has rows of {sorted(widths)} cells")

    @classmethod
    def of(
        cls,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        caption: str,
        *,
        text_columns: Sequence[int] = (0,),
        compact: bool = False,
    ) -> Table:
        """A table whose ``text_columns`` stand to the left and all others (numbers) right."""
        alignments: tuple[Align, ...] = tuple(
            "left" if column in text_columns else "right" for column in range(len(header))
        )
        return cls(tuple(header), tuple(map(tuple, rows)), alignments, caption, compact)


@dataclass(frozen=True)
class Figure:
    """A picture: ``name`` becomes its file's name, ``alt`` says in words what is to be seen."""

    kind: ClassVar = "figure"
    name: str
    svg: bytes
    alt: str
    caption: str


@dataclass(frozen=True)
class Span:
    """Some words of the author's in one style; ``link`` is where they lead, if anywhere."""

    text: str
    styles: frozenset[Style] = frozenset()
    link: str = ""


@dataclass(frozen=True)
class Prose:
    """A paragraph of the author's."""

    kind: ClassVar = "prose"
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        """Its words alone."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True)
class ProseList:
    """A list of the author's; each item is some blocks.

    ``start`` is its first number; None where it has none.
    """

    kind: ClassVar = "prose-list"
    items: tuple[tuple[Block, ...], ...]
    start: int | None = None


@dataclass(frozen=True)
class Quote:
    """What the author quotes."""

    kind: ClassVar = "quote"
    blocks: tuple[Block, ...]


Block = (
    Heading
    | Paragraph
    | Note
    | Code
    | ItemList
    | KeyFigures
    | Table
    | Figure
    | Prose
    | ProseList
    | Quote
)


@dataclass(frozen=True)
class Document:
    """A whole report; ``byline`` says who hands it in, ``footer`` what wrote it."""

    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    footer: str
    byline: str = ""


def figures_of(document: Document) -> list[Figure]:
    """Every picture, in its order."""
    return [block for block in document.blocks if isinstance(block, Figure)]


def numbered(blocks: Sequence[Block]) -> Iterator[tuple[str, Block]]:
    """Yield each block with its number: "3" or "3.1" for headings, "Table 2", "Figure 5", or "".

    Every renderer takes the numbers from here, so that they agree.
    """
    section = part = tables = figures = 0
    for block in blocks:
        match block:
            case Heading(level=2):
                section, part = section + 1, 0
                yield f"{section}", block
            case Heading():
                part += 1
                yield f"{section}.{part}", block
            case Table():
                tables += 1
                yield f"Table {tables}", block
            case Figure():
                figures += 1
                yield f"Figure {figures}", block
            case _:
                yield "", block
