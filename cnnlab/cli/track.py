"""``cnnlab track``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, RunNames, RunsFolder
from cnnlab.cli.output import print_json, print_text
from cnnlab.errors import ConfigError


def track(
    names: RunNames,
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="NAME",
            help="tensorboard or mlflow; repeatable.",
        ),
    ],
    where: Annotated[
        str | None,
        typer.Option(metavar="DIR|URI", help="A folder, or the address of a server (mlflow)."),
    ] = None,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Send runs to TensorBoard or MLflow.

    What was sent before is not doubled. The name of a group that `cnnlab train --seeds` trained
    stands for all its runs.
    """
    from cnnlab.runs import open_runs
    from cnnlab.tracking import parse_targets
    from cnnlab.tracking import track as send

    if where is not None and len(to) > 1:
        raise ConfigError("one place for two trackers", where="--where", todo="send to one each")
    said = to if where is None else [f"{name}={where}" for name in to]
    targets = parse_targets(said, option="--to" if where is None else "--where")
    sent = send(open_runs(names, runs=runs), targets)
    if as_json:
        print_json(sent.to_dict())
    else:
        print_text(sent.to_text())
