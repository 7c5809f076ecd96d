"""The configuration that a recipe is raced with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.records import Record

import cnnlab
from cnnlab.config import RunConfig

__all__ = ["configured"]


def configured(job: Mapping[str, Any]) -> tuple[RunConfig, bool]:
    """The configuration that is trained, and whether the recipe averages over mirror images.

    It is the recipe's, with other images, seed and threads, and without that averaging: what
    counts is one view of an image.
    """
    name = {"file": Path(job["file"])} if job["file"] else {"recipe": job["recipe"]}
    settings: Record = {
        "seed": job["seed"],
        "threads": job["threads"],
        "data": {"source": job["data"]} | ({"train": job["train"]} if job["train"] else {}),
    }
    config = cnnlab.configure(**name, settings=settings, overrides=job["overrides"])
    return config.updated(mirror=False, name=None), config.mirror
