"""``cnnlab doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, RunsFolder
from cnnlab.cli.output import print_json, print_text


def doctor(
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="Measure no speed.")] = False,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Say what this machine is, what is chosen on it and why, and how fast it is."""
    from cnnlab.workflows.doctor import doctor as diagnose

    found = diagnose(runs=runs, device=device, measure=not quick)
    if as_json:
        print_json(found.to_dict())
    else:
        print_text(found.to_text())
