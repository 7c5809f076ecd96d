"""``cnnlab serve``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnlab.cli.options import DeviceWithDefault, ModelName, RunsFolder
from cnnlab.cli.output import note, print_text
from cnnlab.errors import InputError

if TYPE_CHECKING:
    from cnnlab.serving.server import Listening

_NEEDED = ("fastapi", "python_multipart", "uvicorn")


def serve(
    source: ModelName,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 is every one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes one that is free.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name that the server is called by; may be repeated."),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Holds the key to ask for; or CNNLAB_API_KEY does."),
    ] = None,
    engine: Annotated[str, typer.Option(help="auto measures; torch is always there.")] = "auto",
    device: DeviceWithDefault = "cpu",
    threads: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Of the model; measured without it.")
    ] = None,
    decoders: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that decode images.")
    ] = None,
    max_batch: Annotated[int, typer.Option(min=1, max=4096, help="Images at once.")] = 64,
    queue: Annotated[
        int, typer.Option(min=1, max=100_000, help="Images that may wait; more are sent away.")
    ] = 256,
    max_body_bytes: Annotated[int, typer.Option(min=1, help="Of a request.")] = 16 << 20,
    max_pixels: Annotated[int, typer.Option(min=1, help="Of an image.")] = 25_000_000,
    max_files: Annotated[int, typer.Option(min=1, help="Of a request.")] = 64,
    max_connections: Annotated[int, typer.Option(min=1, max=100_000, help="At once.")] = 1000,
    header_timeout: Annotated[
        str, typer.Option(metavar="TIME", help="To send a request's head.")
    ] = "10s",
    body_timeout: Annotated[
        str, typer.Option(metavar="TIME", help="To send a request's body.")
    ] = "30s",
    answer_timeout: Annotated[
        str, typer.Option(metavar="TIME", help="To answer a request that is there.")
    ] = "30s",
    stop_timeout: Annotated[
        str, typer.Option(metavar="TIME", help="To finish requests when asked to stop.")
    ] = "30s",
    quiet: Annotated[bool, typer.Option("--quiet", help="No line for each request.")] = False,
    runs: RunsFolder = Path("runs"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Say in one JSON object where the server listens.")
    ] = False,
) -> None:
    """Answer over HTTP what images show."""
    _check_installed()
    from cnnlab.serving.server import serve as run_server
    from cnnlab.serving.settings import ServeSettings, read_api_key
    from cnnlab.serving.stages import ModelSource
    from cnnlab.settings import parse_duration

    settings = ServeSettings(
        host=host,
        port=port,
        allow_hosts=tuple(allow_host or ()),
        api_key=read_api_key(api_key_file),
        engine=engine,
        device=device,
        threads=threads,
        decoders=decoders,
        max_batch=max_batch,
        queue=queue,
        max_body_bytes=max_body_bytes,
        max_pixels=max_pixels,
        max_files=max_files,
        max_connections=max_connections,
        header_seconds=parse_duration(header_timeout, where="--header-timeout"),
        body_seconds=parse_duration(body_timeout, where="--body-timeout"),
        answer_seconds=parse_duration(answer_timeout, where="--answer-timeout"),
        stop_seconds=parse_duration(stop_timeout, where="--stop-timeout"),
        quiet=quiet,
    )

    def listening(told: Listening) -> None:
        print_text(json.dumps(told.to_dict()) if as_json else told.to_text())

    run_server(ModelSource(source, runs), settings, listening=listening, say=_say)


def _say(line: str) -> None:
    note(f"cnnlab: {line}")


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"serving needs {', '.join(missing)}", todo="pip install 'cnnlab[serve]'")
