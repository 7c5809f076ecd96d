"""``cnnlab data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnlab.cli.options import DataName, HowToRead, ImageSide, Json, Offline, go_offline
from cnnlab.cli.output import note, print_json, print_text
from cnnlab.tables import text_table

if TYPE_CHECKING:
    from cnnlab.data.source import Source

app = typer.Typer(
    help="List images known by name, bring them here, look into them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the datasets known by name, and where they are on this machine."""
    from cnnlab.data import SOURCES

    found = [_listed(name, SOURCES.get(name)) for name in SOURCES]
    if as_json:
        print_json({"datasets": found})
        return
    rows = [(row["name"], row["path"] or "not here", row["description"]) for row in found]
    print_text(text_table(["name", "where", "description"], rows))
    options = [
        (row["name"], f"data.{option}={said['default']}", said["allowed"], said["meaning"])
        for row in found
        for option, said in row["options"].items()
    ]
    print_text("\nOf these, --set chooses:\n")
    print_text(text_table(["name", "default", "allowed", "meaning"], options))
    print_text(
        "\n--data also takes the path of your own images: a folder or archive of class folders,"
        " or a .npz, .parquet or .csv file."
    )


def _listed(name: str, source: Source) -> dict[str, Any]:
    here = source.find()
    return {
        "name": name,
        "title": source.title,
        "description": source.description,
        "path": str(here.path) if here else None,
        "options": {
            option: {
                "default": declared.default,
                "allowed": declared.allowed,
                "meaning": declared.meaning,
            }
            for option, declared in source.options.items()
        },
    }


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A dataset's name.")],
    as_json: Json = False,
) -> None:
    """Bring a dataset to this machine, verified."""
    from cnnlab.data import SOURCES, bring

    source = SOURCES.get(name)
    found = bring(name, say=note)
    assert found is not None  # downloads are not forbidden
    if as_json:
        print_json({"name": name, "path": str(found.path)})
    else:
        print_text(f"{source.title}: {found.path}, verified")


@app.command()
def show(
    name: DataName,
    image_size: ImageSide = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw a picture of it (.svg or .png).")
    ] = None,
    overrides: HowToRead = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Show class balance, statistics and fingerprint; draw them with --out."""
    from cnnlab.workflows.dataset_card import dataset_card
    from cnnlab.workflows.pictures import picture_path

    go_offline(offline)
    drawn = None if out is None else picture_path(out)
    settings = {} if image_size is None else {"image_size": image_size}
    card = dataset_card(name, settings=settings, overrides=overrides or [], say=note)
    if drawn is not None:
        card.write_picture(drawn)
    if as_json:
        print_json({**card.to_dict(), "picture": None if drawn is None else str(drawn)})
        return
    print_text(card.to_text())
    if drawn is not None:
        print_text(f"wrote {drawn}: samples of each class, and the class balance of each part")
