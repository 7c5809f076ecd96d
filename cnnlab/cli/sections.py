"""The verbs as a group: under headings in ``cnnlab --help``, and stopped by Ctrl-C in one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

from cnnlab.errors import Interrupted

__all__ = ["VerbGroup"]

#: What one wants to do -> the verbs for it.
_SECTIONS = {
    "Begin": ("quickstart", "doctor"),
    "Look into images and models": ("data", "audit", "models", "summary"),
    "Train": ("find-lr", "train", "tune", "ablate", "reproduce"),
    "Judge": ("evaluate", "compare", "diagnose", "robustness", "explain"),
    "Hand in": ("report", "card"),
    "Use": ("predict", "export", "import-keras", "serve"),
    "Keep an overview": ("runs", "ui", "track", "completion"),
}
#: For what stands in none of them.
_MORE = "More"


class VerbGroup(TyperGroup):
    """Lists the verbs that are registered by what they are for, and runs the one that is asked."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; raises ``Interrupted`` after Ctrl-C where it does not so itself.

        typer would make an exit code of it, which other verbs end with that have said why.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a heading and a line a verb, all lines on one column."""
        width = max(map(len, self.commands))
        for heading, names in self._sections():
            limit = formatter.width - width - 6
            rows = [
                (name.ljust(width), self.commands[name].get_short_help_str(limit)) for name in names
            ]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def _sections(self) -> Iterator[tuple[str, list[str]]]:
        rest = [name for name in self.commands if not self.commands[name].hidden]
        for heading, known in _SECTIONS.items():
            names = [name for name in known if name in rest]
            rest = [name for name in rest if name not in names]
            if names:
                yield heading, names
        if rest:
            yield _MORE, rest
