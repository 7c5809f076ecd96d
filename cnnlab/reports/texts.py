"""The folder of the author's own words: a Markdown file a section, kept from report to report."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cnnlab.errors import DataError, StorageError, UnknownNameError
from cnnlab.files import storage_errors, write_text
from cnnlab.registry import suggestion
from cnnlab.reports.document import Block, Heading, Prose
from cnnlab.reports.prose import blocks_of_markdown
from cnnlab.reports.section import SECTIONS

__all__ = ["TEXT_FOLDER", "Texts", "read_texts", "read_words", "write_stubs"]

#: Where texts are looked for beside a report, if no other folder is named.
TEXT_FOLDER = "text"

_TITLE = "title"
_LONGEST_BYTES = 1 << 20

#: What a new folder is filled with: a comment each, which says what belongs there.
_STUBS = {
    _TITLE: "A heading ('# ...') is the report's title, the lines below it say who hands it in.",
    "introduction": "What is asked, why, and what others found. Stands before the summary.",
    "data": "Where the images come from, and what you noticed when you looked at them.",
    "architecture": "Why the network is built as it is.",
    "training-setup": "Which settings you tried, and why you chose these.",
    "learning-curves": "What you see in the curves.",
    "mistakes": "What the images that were taken for others have in common.",
    "discussion": "What the figures mean, what surprised you, and what you would do next.",
    "conclusions": "What follows from it. What was measured is summed up below your words.",
    "limitations": "What the reader should be careful with.",
    "references": "What you read and used.",
}


@dataclass(frozen=True)
class Texts:
    """What the author wrote.

    Attributes
    ----------
    sections: blocks by the section's name.
    title, byline: empty where nothing was said.
    folder: where it was read from; None where there is none.
    """

    sections: dict[str, list[Block]] = field(default_factory=dict)
    title: str = ""
    byline: str = ""
    folder: Path | None = None


def read_texts(folder: Path) -> Texts:
    """Read ``SECTION.md`` for each section there is one for, and ``title.md``.

    Files with other endings and ``README.md`` are nobody's business here. Raises
    :class:`UnknownNameError` for a name that is no section's, :class:`DataError` for a file that
    is no text and :class:`StorageError` for what cannot be read.
    """
    import cnnlab.reports.sections  # noqa: F401  # importing it registers the sections

    sections: dict[str, list[Block]] = {}
    title, byline = "", ""
    for path in _files(folder):
        blocks = blocks_of_markdown(read_words(path))
        if path.stem == _TITLE:
            title = next((b.text for b in blocks if isinstance(b, Heading)), "")
            byline = ", ".join(b.text for b in blocks if isinstance(b, Prose))
        elif path.stem not in SECTIONS:
            raise UnknownNameError(
                f"no section is called '{path.stem}'",
                where=path,
                todo=suggestion(path.stem, [_TITLE, *SECTIONS.names()]),
            )
        elif blocks:
            sections[path.stem] = _without_title(blocks, SECTIONS.get(path.stem).title)
    return Texts(sections, title, byline, folder)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise StorageError("no folder of texts", where=folder, expected="a folder with SECTION.md")
    found = sorted(folder.glob("*.md"))
    return [path for path in found if path.name.lower() != "readme.md" and path.name[0] != "."]


def read_words(path: Path) -> str:
    """A file of somebody's words; ``StorageError`` or ``DataError`` where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"cannot read: {reason.lower()}", where=path) from error
    if len(content) > _LONGEST_BYTES:
        raise DataError("too long for words", where=path, expected="at most 1 MiB of Markdown")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start} is not UTF-8", where=path, expected="Markdown in UTF-8"
        ) from None


def _without_title(blocks: list[Block], title: str) -> list[Block]:
    """Leave out a first heading that says again what the section is called."""
    first = blocks[0]
    again = isinstance(first, Heading) and first.text.strip().casefold() == title.casefold()
    return blocks[1:] if again else blocks


def write_stubs(folder: Path) -> list[Path]:
    """Fill a folder without Markdown files with those that most want words; return them.

    Each holds a comment that says what belongs there.

    Nothing is written where there is any: what somebody wrote is never touched.
    """
    if folder.is_dir() and any(folder.glob("*.md")):
        return []
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, hint in _STUBS.items():
        path = folder / f"{name}.md"
        write_text(path, f"<!-- {hint}\nThis comment is not printed; write below it. -->\n")
        paths.append(path)
    return paths
