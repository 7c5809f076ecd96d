"""``cnnlab export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Json, RunsFolder
from cnnlab.cli.output import note, print_json, print_text


class _Format(StrEnum):
    ONNX = "onnx"
    BUNDLE = "bundle"
    KERAS = "keras"


def export(
    source: Annotated[
        str, typer.Argument(metavar="RUN|BUNDLE", help="A run's folder or name, or a bundle.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")],
    format: Annotated[
        _Format,
        typer.Option(help="ONNX or Keras for other programs, bundle for cnnlab elsewhere."),
    ] = _Format.ONNX,
    int8: Annotated[
        bool, typer.Option("--int8", help="Eight-bit weights and activations (ONNX).")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it is there.")
    ] = False,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write a network as one file, held against the run.

    All validation images are asked of both at once; a file that differs is not kept.
    """
    from cnnlab.exporting import export as export_network

    exported = export_network(
        source, out, format=format.value, int8=int8, force=force, runs=runs, say=note
    )
    if as_json:
        print_json(exported.to_dict())
    else:
        print_text(exported.to_text())
