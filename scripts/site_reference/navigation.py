"""Where a page stands that the navigation does not name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

__all__ = ["completed"]

#: A page's folder -> the section that it belongs to.
_SECTIONS = {
    "tutorials": "Tutorials",
    "notebooks": "Tutorials",
    "reference": "Reference",
    "explanation": "Explanation",
    "results": "Results",
}
_ELSE = "How to"


def completed(navigation: list[Any], pages: Iterable[str]) -> list[Any]:
    """The navigation with every page: what it lacks comes last in the section of its folder."""
    named = set(_paths(navigation))
    sections = [dict(item) if isinstance(item, dict) else item for item in navigation]
    for page in sorted(set(pages) - named):
        wanted = _SECTIONS.get(PurePosixPath(page).parts[0], _ELSE)
        [section] = [item for item in sections if isinstance(item, dict) and wanted in item]
        section[wanted] = [*section[wanted], page]
    return sections


def _paths(item: Any) -> Iterable[str]:
    """Every page that is named, however deep."""
    if isinstance(item, str):
        yield item
    elif isinstance(item, dict):
        for inner in item.values():
            yield from _paths(inner)
    else:
        for inner in item:
            yield from _paths(inner)
