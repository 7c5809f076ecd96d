"""HTML from templates: every text is escaped, names are shown literally."""

from __future__ import annotations

import datetime
import math
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from cnnlab.evaluation.figures.text import literal_text
from cnnlab.metrics import Interval
from cnnlab.page.charts import sparkline
from cnnlab.reports.wording import count, decimal, duration, percent, plural, scaled
from cnnlab.runs import command_line

__all__ = ["environment", "static_file", "static_names"]

_PACKAGE = "cnnlab.page"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def _files(folder: str) -> dict[str, str]:
    place = resources.files(_PACKAGE) / folder
    return {
        file.name: file.read_text(encoding="utf-8") for file in place.iterdir() if file.is_file()
    }


@cache
def _static() -> dict[str, tuple[str, str]]:
    found = _files("static")
    kinds = {name: _TYPES.get(name[name.rfind(".") :], "") for name in found}
    return {name: (text, kinds[name]) for name, text in found.items() if kinds[name]}


def static_names() -> list[str]:
    """The names of styles, scripts and pictures that belong to the page."""
    return sorted(_static())


def static_file(name: str) -> tuple[str, str] | None:
    """Content and media type of one of :func:`static_names`; None for any other name."""
    return _static().get(name)


def _interval(interval: Interval | None, decimals: int = 1) -> str:
    """78.2 to 79.8, in percent without its sign."""
    if interval is None:
        return "-"
    return f"{100 * interval[0]:.{decimals}f} to {100 * interval[1]:.{decimals}f}"


def _when(time: datetime.datetime | str) -> str:
    """To the minute, in this machine's time; a text that is no time as it stands."""
    try:
        found = datetime.datetime.fromisoformat(time) if isinstance(time, str) else time
        return found.astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):
        return str(time)


def _number(value: float | None) -> str:
    """A number for sorting; nothing where there is none."""
    return "" if value is None or not math.isfinite(value) else f"{value:.9g}"


def _level(share: float) -> int:
    """0 to 20: how dark a cell is, on a square-root scale so that rare mistakes are seen."""
    return 0 if share <= 0 else max(1, round(20 * math.sqrt(min(share, 1.0))))


@cache
def environment() -> Environment:
    """The templates with their filters."""
    found = Environment(
        loader=DictLoader(_files("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "literal": literal_text,
        "percent": percent,
        "count": count,
        "decimal": decimal,
        "duration": duration,
        "plural": lambda number, word: plural(number, word),
        "scaled": scaled,
        "interval": _interval,
        "when": _when,
        "number": _number,
        "level": _level,
        "sparkline": sparkline,
    }
    found.filters.update(filters)
    found.globals["command_line"] = command_line
    return found
