"""What is packed into the archives that are damaged, and the rows that it is worth."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from fuzzing.case import NotJudged
from fuzzing.images import class_folders
from fuzzing.labelled import Expected, base_pixels
from fuzzing.png import make_png, read_png
from fuzzing.trial import CANARY

__all__ = ["NAMES", "plain_members", "rows_of"]

#: Names that members may not have, or that mean something to somebody.
NAMES = (
    *(
        f"../{CANARY}",
        f"/tmp/{CANARY}",
        f"cat/../../{CANARY}",
        "C:\\x.png",
        "cat\\1.png",
        "cat/2.png",
    ),
    *(
        "./cat/2.png",
        "cat//2.png",
        "cat/",
        "",
        "cat/\0.png",
        "cat/\x1b[2J.png",
        "a/" * 40 + "x.png",
    ),
    *("cat/é.png", "train/cat/1.png", "dog/.DS_Store", "__MACOSX/cat/._1.png", "labels.csv"),
    *("CAT/2.png", "cat/2.PNG", "x" * 300 + ".png", "cat/2.png/inside.png", "birds/1.png"),
)


def plain_members() -> dict[str, bytes]:
    return {"cat/1.png": make_png(base_pixels(1)), **class_folders()}


def rows_of(members: dict[str, bytes]) -> list[Expected]:
    """The rows of class folders; only the plainest layout is known here."""
    images = {name: data for name, data in members.items() if name.lower().endswith(".png")}
    shapes = {len(PurePosixPath(name).parts) for name in members}
    if images.keys() != members.keys() or shapes != {2}:
        raise NotJudged("more than class folders of PNG files")
    if any(re.search(r"(^|/)\.|^(train|test|val)|//|__MACOSX", name) for name in images):
        raise NotJudged("parts, litter, or paths that are written in more than one way")
    ordered = sorted(images, key=lambda name: PurePosixPath(name).parts)
    return [Expected(read_png(images[name]), name.split("/")[0]) for name in ordered]
