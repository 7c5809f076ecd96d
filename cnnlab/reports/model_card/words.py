"""The author's own words in a card: one Markdown file, kept from card to card."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cnnlab.files import write_text
from cnnlab.reports.texts import read_words

__all__ = ["WORDS_FILE", "read_card_words", "write_words_stub"]

#: The file that is taken beside a card, if no other is named.
WORDS_FILE = "card-words.md"

_HEADING = re.compile(r"#{1,2}[ \t]+(.+?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)

_HINTS = {
    "Model details": "Who made it, why it is built as it is, where to read on.",
    "Intended use": "Who should use it for what, and who should not.",
    "Training data": "Where the images come from, who is in them, who agreed to it.",
    "Training procedure": "Which settings were tried, and why these were chosen.",
    "Evaluation": "What the figures mean for the use that you have in mind.",
    "Limitations": "Where it fails, whom that harms, what to do about it.",
}


def read_card_words(path: Path) -> dict[str, str]:
    """What stands under each heading (``#`` or ``##``), by the heading; before the first, by "".

    The words are Markdown and stay as they were typed; comments are left out, and so is a heading
    with nothing below it. Raises ``StorageError`` or ``DataError`` for a file that is no text.
    """
    title, fence = "", ""
    found: dict[str, list[str]] = {"": []}
    for line in _COMMENT.sub("", read_words(path)).splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1][0] * 3
        elif mark and line.strip().startswith(fence):
            fence = ""
        heading = None if fence or mark else _HEADING.fullmatch(line)
        if heading is None:
            found[title].append(line)
        else:
            title = heading[1]
            found.setdefault(title, [])
    texts = {name: "\n".join(lines).strip() for name, lines in found.items()}
    return {name: text for name, text in texts.items() if text}


def write_words_stub(path: Path, titles: Sequence[str]) -> bool:
    """Write a file with a heading a section and a hint below each; nothing where there is a file.

    Returns whether it was written.
    """
    if path.exists():
        return False
    parts = [
        f"## {title}\n\n<!-- {_HINTS[title]} This comment is not printed. -->\n"
        for title in titles
        if title in _HINTS
    ]
    write_text(path, "\n".join(parts))
    return True
