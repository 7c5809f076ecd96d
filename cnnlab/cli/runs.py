"""``cnnlab runs``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnlab.cli.options import Json, RunName, RunNames, RunsFolder
from cnnlab.cli.output import note, print_result
from cnnlab.errors import ConfigError
from cnnlab.tables import bytes_text

if TYPE_CHECKING:
    from cnnlab.runs import Run

app = typer.Typer(
    help="List, show, thin out and remove what was trained.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class _Sort(StrEnum):
    WHEN = "when"
    NAME = "name"
    SIZE = "size"
    VALIDATION = "validation"


@app.command("list")
def list_(
    sort: Annotated[
        _Sort, typer.Option(help="Oldest, first name, largest or best on validation first.")
    ] = _Sort.WHEN,
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs: status, data, accuracy, size; those that were cut off or broken, too."""
    from cnnlab.workflows.overview import overview

    found = overview(runs, sort=sort.value, reverse=reverse)
    print_result(found, as_json)


@app.command()
def show(name: RunName, runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """Show one run at a glance: status, data, settings, scores, files, and what to type next."""
    from cnnlab.runs import find_run
    from cnnlab.workflows.run_card import card_of

    card = card_of(find_run(name, runs=runs))
    print_result(card, as_json)


@app.command()
def rm(
    names: RunNames,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Remove runs with everything in them; asks first."""
    from cnnlab.workflows.removal import find_removable, remove_runs

    found = find_removable(names, runs=runs)
    removed = remove_runs(found if yes or _agreed(found) else [])
    print_result(removed, as_json)


def _agreed(found: Sequence[Run]) -> bool:
    """Ask on the terminal; :class:`ConfigError` where there is none."""
    from cnnlab.runs import files_of

    if not sys.stdin.isatty():
        listed = ", ".join(str(run.path) for run in found)
        raise ConfigError(
            f"nobody can be asked whether to remove {listed}", where="runs rm", todo="add --yes"
        )
    for run in found:
        note(f"{run.path}, {bytes_text(sum(files_of(run.path).values()))}")
    one = len(found) == 1
    what = "this run with everything in it" if one else f"these {len(found)} runs with all in them"
    return typer.confirm(f"remove {what}?", err=True)


@app.command()
def thin(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="RUN...", help="Runs' folders or names.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every run of the folder.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Remove checkpoints that are not needed any more; the best weights always stay."""
    from cnnlab.runs import find_run, list_runs
    from cnnlab.workflows.thinning import thin_runs

    if every == bool(names):
        raise ConfigError("which runs?", where="runs thin", expected="names, or --all")
    found = list_runs(runs) if every else [find_run(name, runs=runs) for name in names or []]
    thinned = thin_runs(found, dry_run=dry_run, tolerant=every)
    print_result(thinned, as_json)
