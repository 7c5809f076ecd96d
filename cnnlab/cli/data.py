"""``cnnlab data``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cnnlab.cli.options import Json, Offline, go_offline
from cnnlab.cli.output import note, print_json, print_text
from cnnlab.tables import text_table

app = typer.Typer(
    help="Images: what there is, bringing it here, what is in it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the datasets known by name, and where they are on this machine."""
    from cnnlab.data import SOURCES

    found = []
    for name in SOURCES:
        source = SOURCES.get(name)
        here = source.find()
        found.append(
            {
                "name": name,
                "title": source.title,
                "description": source.description,
                "path": str(here.path) if here else None,
            }
        )
    if as_json:
        print_json({"datasets": found})
        return
    rows = [(row["name"], row["path"] or "not here", row["description"]) for row in found]
    print_text(text_table(["name", "where", "description"], rows))
    print_text(
        "\n--data also takes the path of your own images: a folder or archive of class folders,"
        " or a .npz, .parquet or .csv file."
    )


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A dataset's name.")],
    as_json: Json = False,
) -> None:
    """Bring a dataset to this machine, verified."""
    from cnnlab.data import SOURCES

    source = SOURCES.get(name)
    found = source.find() or source.fetch(note)
    if as_json:
        print_json({"name": name, "path": str(found.path)})
    else:
        print_text(f"{source.title}: {found.path}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A name, or your images' path.")],
    image_size: Annotated[
        int | None, typer.Option(min=4, max=1024, metavar="PIXELS", help="Side of the images.")
    ] = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Images and classes of each part, size, fingerprint."""
    from cnnlab.data import ReadOptions, open_dataset

    go_offline(offline)
    dataset = open_dataset(name, options=ReadOptions(image_size=image_size), say=note)
    facts: dict[str, Any] = {
        "name": dataset.name,
        "origin": dataset.origin,
        "images": len(dataset),
        "image_shape": list(dataset.image_shape),
        "parts": dict(dataset.parts),
        "classes": {
            part: _balance(dataset.labels[dataset.rows_of(part)], dataset.class_names)
            for part in dataset.parts
        },
        "fingerprint": dataset.fingerprint,
    }
    if as_json:
        print_json(facts)
        return
    shape = "x".join(map(str, dataset.image_shape))
    parts = ", ".join(f"{count:,} {part}" for part, count in dataset.parts.items())
    print_text(f"{dataset.name} ({dataset.origin})\n{parts}; {shape}\n")
    rows = [
        (index, label, *(facts["classes"][part][label] for part in dataset.parts))
        for index, label in enumerate(dataset.class_names)
    ]
    print_text(text_table(["label", "class", *dataset.parts], rows))
    print_text(f"\nfingerprint {dataset.fingerprint}")


def _balance(labels: Any, class_names: tuple[str, ...]) -> dict[str, int]:
    import numpy as np

    counts = np.bincount(labels, minlength=len(class_names))
    return dict(zip(class_names, counts.tolist(), strict=True))
