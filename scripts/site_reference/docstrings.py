"""Docstrings as they stand in the code -> Markdown."""

from __future__ import annotations

import re

__all__ = ["markdown_of"]

#: ``Parameters`` and the like, underlined.
_SECTION = re.compile(r"^([A-Z]\w+)\n-{3,}$", re.MULTILINE)
#: ``lr, momentum: what they are``, then lines that are indented.
_ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*): (.*)")
_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_CODE_FOLLOWS = re.compile(r"::$", re.MULTILINE)


def markdown_of(docstring: str) -> str:
    """Say in Markdown what a docstring of ours says.

    Underlined sections become bold words over a list, references become code, and a paragraph that
    ends in a double colon announces a block of code.
    """
    text = _ROLE.sub(lambda found: f"`{_shortened(found[1])}`", docstring)
    text = _CODE_FOLLOWS.sub(":", text)
    before, *sections = _SECTION.split(text)
    parts = [before.strip()]
    for title, content in zip(sections[::2], sections[1::2], strict=True):
        parts += [f"**{title}**", _listed(content)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _shortened(target: str) -> str:
    """The last name of what stands somewhere in the package; any other as it is."""
    return target.rpartition(".")[2] if target.startswith("cnnlab.") else target


def _listed(content: str) -> str:
    """Entries as a list; paragraphs among and after them as they are."""
    lines: list[str] = []
    in_entry = False
    for line in content.strip("\n").splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry:
            if lines and lines[-1] and not in_entry:
                lines.append("")
            names = ", ".join(f"`{name}`" for name in entry[1].split(", "))
            lines.append(f"- {names}: {entry[2]}")
        elif in_entry and line.startswith(" "):
            lines.append(line)
            continue
        else:
            lines.append(line)
        in_entry = entry is not None
    return "\n".join(lines).strip()
