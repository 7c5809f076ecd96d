"""``cnnlab quickstart``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.following import Track, followed
from cnnlab.cli.options import DeviceWithDefault, Json, Offline, RunsFolder, go_offline
from cnnlab.cli.output import print_json, print_text


def quickstart(
    data: Annotated[
        str | None, typer.Option(help="Instead of the best data that can be had: a name or path.")
    ] = None,
    time_limit: Annotated[
        str, typer.Option(metavar="TIME", help="About how long training may take.")
    ] = "2m",
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order, dropout.")] = 0,
    device: DeviceWithDefault = "auto",
    track: Track = None,
    runs: RunsFolder = Path("runs"),
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Train, evaluate and report on the best data at hand.

    The best real images that are here or can be had within a minute; it says which, and why.
    """
    from cnnlab.settings import parse_duration
    from cnnlab.workflows.quickstart import quickstart as run_quickstart

    go_offline(offline)
    budget = parse_duration(time_limit, where="--time-limit")
    with followed(track) as watch:
        done = run_quickstart(
            data=data, budget_seconds=budget, seed=seed, device=device, runs=runs, watch=watch
        )
    if as_json:
        print_json(done.to_dict())
    else:
        print_text(done.to_text())
