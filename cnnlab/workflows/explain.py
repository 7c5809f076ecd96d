"""Explanations written as pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from cnnlab.data.images import IMAGE_SUFFIXES
from cnnlab.data.source import Say, unsaid
from cnnlab.errors import ConfigError
from cnnlab.explanation import Explainer, Question
from cnnlab.prediction.answers import ImageError, unreadable
from cnnlab.prediction.predict import Model, Progress, as_bundle, unwatched
from cnnlab.prediction.sources import STANDARD_INPUT, Given, gather
from cnnlab.tables import ShownAsText
from cnnlab.workflows.pictures import picture_path, write_picture

__all__ = ["FOLDER", "Explained", "explain_into"]

#: Where pictures go unless another folder is named.
FOLDER = Path("explanations")

_ENDINGS = (".png", ".svg")
#: Names that promise one file; what cannot be written is refused by its name.
_FILE_SUFFIXES = IMAGE_SUFFIXES | {".svg", ".pdf"}
#: In bytes of UTF-8; a file's name may have 255, with what writing puts around it.
_LONGEST_STEM = 150


@dataclass
class Explained(ShownAsText):
    """What was written.

    Attributes
    ----------
    model: the run's name.
    records: what each explanation says, as plain values, with its ``files``.
    texts: the same in words.
    errors: the images that could not be read.
    """

    model: str
    temperature: float | None
    records: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    errors: list[ImageError] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab explain --json`` prints."""
        return {
            "model": self.model,
            "temperature": self.temperature,
            "explanations": self.records,
            "errors": [error.to_dict() for error in self.errors],
        }

    def to_text(self) -> str:
        """What ``cnnlab explain`` prints."""
        return "\n".join(self.texts)


def explain_into(
    out: Path | None,
    model: Model,
    images: Given | Iterable[Given],
    question: Question,
    *,
    device: str | None = None,
    runs: Path = Path("runs"),
    say: Say = unsaid,
    watch: Progress = unwatched,
) -> Explained:
    """Explain images one after the other, and write a picture of each.

    ``out``: a file that ends in .png or .svg, for one image; else a folder (``explanations``
    where None), in which each image gets a PNG and an SVG called after it. Memory holds one
    explanation. The other parameters and what is raised: as :func:`cnnlab.explain`, but that
    images which cannot be read are in the result's ``errors`` while others can.
    """
    one_file = out is not None and out.suffix.lower() in _FILE_SUFFIXES
    file = picture_path(out) if out is not None and one_file else None  # before anything is read
    bundle = as_bundle(model, runs=runs, device=device, say=say)
    sources = gather(images, bundle.class_names, say=say)
    if file is not None and len(sources) > 1:
        raise ConfigError(
            f"one file for {len(sources):,} images", where=file, expected="a folder's name"
        )
    asked = [source.path for source in sources]
    if file is not None:
        picture_path(file, asked)
    done = Explained(bundle.name, bundle.temperature)
    names = _Names(out or FOLDER, asked)
    explainer = Explainer(bundle, question, say=say, watch=watch)
    for answer in explainer.each(sources, watch=watch):
        if isinstance(answer, ImageError):
            done.errors.append(answer)
            continue
        files = [file] if file is not None else names.for_image(answer.prediction.path)
        picture = answer.figure()
        for path in files:
            write_picture(picture, path)
        done.records.append({**answer.to_dict(), "files": [str(path) for path in files]})
        done.texts.append(f"{answer.to_text()}\n  {_listed(files)}")
    if not done.records:
        raise unreadable(done.errors, len(sources))
    return done


def _listed(files: Sequence[Path]) -> str:
    return " and ".join(str(path) for path in files)


class _Names:
    """Files in a folder, called after images; the second ``cat`` is ``cat-2``.

    So is the first where the folder holds the image itself, ``cat.png``.
    """

    def __init__(self, folder: Path, images: Sequence[str]) -> None:
        self._folder = folder
        here = folder.resolve()
        pictures = [p for p in map(Path, images) if p.suffix.lower() in _ENDINGS]
        self._taken = {p.stem.lower() for p in pictures if p.parent.resolve() == here}

    def for_image(self, path: str) -> list[Path]:
        stem = "stdin" if path == STANDARD_INPUT else PurePath(path).stem
        stem = re.sub(r"[^\w.-]+", "_", stem).encode()[:_LONGEST_STEM].decode(errors="ignore")
        stem = stem.strip("._") or "image"
        name, number = stem, 1
        while name.lower() in self._taken:  # some file systems do not tell A from a
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name.lower())
        return [self._folder / f"{name}{ending}" for ending in _ENDINGS]
