"""``cnnlab ui``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, RunsFolder
from cnnlab.cli.output import note, print_json, print_text
from cnnlab.errors import ConfigError


def ui(
    runs: RunsFolder = Path("runs"),
    audits: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where cnnlab audit wrote what it found.")
    ] = Path("audits"),
    host: Annotated[
        str, typer.Option(help="Where to listen; only this machine reaches 127.0.0.1.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8080,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name that browsers may call it by."),
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Serve a page over the runs, on this machine alone.

    Curves while they grow, confusions with their images, images to try, what audits found.
    """
    try:
        from cnnlab.page import PageSettings, serve
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is not installed", where="ui", todo="pip install 'cnnlab[serve]'"
        ) from None
    settings = PageSettings(runs, audits, host, port, tuple(allow_host or ()))
    if not settings.is_local:
        note(f"whoever reaches {host} sees these runs, and can stop them: there is no password")

    def ready(address: str) -> None:
        if as_json:
            print_json({"address": address, "runs": str(runs)})
        else:
            print_text(f"{runs}: {address} (Ctrl-C ends it)")

    serve(settings, ready, browse=browse)
