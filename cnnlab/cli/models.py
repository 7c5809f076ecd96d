"""``cnnlab models`` and ``cnnlab summary``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cnnlab.cli.options import Json
from cnnlab.cli.output import print_json, print_result, print_text
from cnnlab.tables import text_table


def models(as_json: Json = False) -> None:
    """List the models that come with cnnlab."""
    from cnnlab.models import MODELS, load_model_file

    found: list[dict[str, Any]] = [
        {
            "name": name,
            "input_shape": list(file.input_shape or ()),
            "total_params": file.architecture().summary().total_params,
            "description": file.description,
        }
        for name, file in ((name, load_model_file(name)) for name in MODELS)
    ]
    if as_json:
        print_json({"models": found})
        return
    rows = [
        (
            model["name"],
            "x".join(map(str, model["input_shape"])),
            f"{model['total_params']:,}",
            model["description"],
        )
        for model in found
    ]
    print_text(text_table(["model", "input", "parameters", "description"], rows))


def summary(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name, or your YAML file.")],
    input_shape: Annotated[
        str | None, typer.Option(metavar="HxWxC", help="Another input, e.g. 28x28x1.")
    ] = None,
    classes: Annotated[int | None, typer.Option(min=2, help="Another number of classes.")] = None,
    as_json: Json = False,
) -> None:
    """Show a model's layers, parameters, FLOPs and memory."""
    from cnnlab.models import load_architecture

    shape = None if input_shape is None else _shape(input_shape)
    found = load_architecture(model, input_shape=shape, classes=classes).summary()
    print_result(found, as_json)


def _shape(text: str) -> tuple[int, int, int]:
    from cnnlab.errors import ConfigError

    parts = text.lower().split("x")
    plain = all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)
    if len(parts) != 3 or not plain or not all(map(int, parts)):
        raise ConfigError(
            f"'{text}' is no shape", where="--input-shape", expected="HxWxC, e.g. 28x28x1"
        )
    height, width, channels = map(int, parts)
    return height, width, channels
