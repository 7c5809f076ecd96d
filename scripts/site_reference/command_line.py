"""The reference of the command line, from the verbs themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from cnnlab.cli.main import app
from site_reference.tables import code, table

__all__ = ["command_line_page"]

_HEAD = """\
# Command line

What `cnnlab VERB --help` says, of every verb. Each takes `--json`, and then prints one JSON object
on standard output and nothing else. Exit codes: 0 done, 1 a check that was asked for failed, 2 bad
input, 3 failed while running, 130 or 143 interrupted.
"""


def command_line_page() -> str:
    """One chapter a verb: its purpose, how it is called, its arguments and options."""
    root = typer.main.get_command(app)
    context = typer.Context(root, info_name="cnnlab")
    return "\n".join([_HEAD, *_chapters(root, context)])


def _chapters(group: Any, context: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        inner = typer.Context(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            yield from _chapters(command, inner)
        elif not command.hidden:
            yield _chapter(command, inner)


def _chapter(command: Any, context: Any) -> str:
    usage = command.get_usage(context).removeprefix("Usage: ")
    arguments: list[tuple[str, str]] = []
    options: list[tuple[str, str]] = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            rows = arguments if parameter.param_type_name == "argument" else options
            rows.append((code(record[0]), _text(record[1])))
    parts = [f"## {context.command_path}", _text(command.help or "", lines=True)]
    parts.append(f"```text\n{' '.join(usage.split())}\n```")
    if arguments:
        parts.append(table(["argument", ""], arguments))
    parts.append(table(["option", ""], options))
    return "\n\n".join(parts) + "\n"


def _text(help_text: str, *, lines: bool = False) -> str:
    """Help as Markdown: what would be HTML or a table's border is not."""
    safe = help_text.replace("<", "&lt;").replace("|", "&#124;").replace("*", "\\*")
    return safe if lines else " ".join(safe.split())
