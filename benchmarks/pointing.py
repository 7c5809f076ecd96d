"""Does the heat lie on what was drawn?

The pointing game of Zhang et al., "Top-down neural attention by excitation backprop" (2018): a
heat map of the predicted class wins where its largest value lies on the object. The objects are
those of ``shapes``, whose pixels are known; the images are new ones, drawn with another seed than
the run's. Only images that the run gets right count::

    cnnlab train --recipe blink --data shapes --set data.size=12000 --name shapes
    python benchmarks/pointing.py runs/shapes --images 200 --layer activation_3

Beside the methods stand a map that is largest in the middle of every image, and chance: the share
of pixels that lie on a shape.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from harness.command import run_command
from numpy.typing import NDArray

from cnnlab.bundle import Bundle, open_bundle
from cnnlab.data import ReadOptions, open_dataset
from cnnlab.data.shapes import shape_masks
from cnnlab.errors import InputError
from cnnlab.explanation import grad_cam, layer_cam, occlusion
from cnnlab.metrics import wilson_interval
from cnnlab.options import Plain
from cnnlab.tables import text_table

__all__ = ["Game", "main", "measure", "play"]

#: Of the drawings, where nobody asks for another one: no run's own.
_SEED = 20_181_015

Explain = Callable[[Bundle, NDArray[np.uint8], int], NDArray[np.floating]]


def _middle(bundle: Bundle, image: NDArray[np.uint8], label: int) -> NDArray[np.floating]:
    """Largest in the middle."""
    del bundle, label  # whatever is there
    heat = np.zeros(image.shape[:2])
    heat[image.shape[0] // 2, image.shape[1] // 2] = 1
    return heat


METHODS: dict[str, Explain] = {
    "grad-cam": grad_cam,
    "layer-cam": layer_cam,
    "occlusion": occlusion,
    "the middle": _middle,
}


@dataclass(frozen=True)
class Game:
    """How a method did.

    Attributes
    ----------
    hits: images whose largest value lies on the object; n: images that count.
    inside: mean share of what is above zero that lies on the object.
    """

    method: str
    hits: int
    n: int
    inside: float


def play(name: str, heats: NDArray[np.floating], masks: NDArray[np.bool_]) -> Game:
    """Judge maps ``[N, H, W]`` by the objects' pixels, bool ``[N, H, W]``.

    A map with nothing above zero hits nothing.
    """
    positive = np.maximum(heats, 0)
    totals = positive.sum(axis=(1, 2))
    shares = (positive * masks).sum(axis=(1, 2)) / np.where(totals > 0, totals, 1)
    places = heats.reshape(len(heats), -1).argmax(axis=1)
    on = masks.reshape(len(masks), -1)[np.arange(len(masks)), places] & (totals > 0)
    return Game(name, int(on.sum()), len(heats), float(shares.mean()))


def _report(games: list[Game], chance: float) -> str:
    rows = []
    for game in games:
        low, high = wilson_interval(game.hits, game.n)
        rows.append((game.method, game.hits / game.n, f"{low:.3f} to {high:.3f}", game.inside))
    rows.append(("chance", chance, "", chance))
    table = text_table(["largest value lies on", "share", "95% interval", "heat inside"], rows)
    return f"{games[0].n} images\n{table}"


def measure(run: Path, images: int, drawing_seed: int, layers: Sequence[str] = ()) -> str:
    """Draw, explain what is right, and say how the methods did, at some ``layers``, too.

    Raises :class:`InputError` for a run of something else.
    """
    methods = METHODS | {
        f"{method}, {name}": partial(explain, layer=name)
        for name in layers
        for method, explain in (("grad-cam", grad_cam), ("layer-cam", layer_cam))
    }
    bundle = open_bundle(run)
    drawn: dict[str, Plain] = {"size": images, "drawing_seed": drawing_seed}
    dataset = open_dataset("shapes", options=ReadOptions(own=drawn))
    if bundle.class_names != dataset.class_names:
        raise InputError("not a model of shapes", where=run)
    said = bundle.logits(dataset.images).argmax(axis=1)
    rows = np.flatnonzero(said == dataset.labels)
    if not len(rows):
        raise InputError("it gets no image right", where=run)
    masks = shape_masks(rows, **drawn)
    games = [
        play(
            name,
            np.stack([explain(bundle, dataset.images[row], int(said[row])) for row in rows]),
            masks,
        )
        for name, explain in methods.items()
    ]
    return _report(games, float(masks.mean()))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="the folder of a run of shapes")
    parser.add_argument("--images", type=int, default=200, help="how many are drawn")
    parser.add_argument("--drawing-seed", type=int, default=_SEED, help="of the drawings")
    parser.add_argument("--layer", action="append", default=[], help="another one for the CAMs")
    asked = parser.parse_args(arguments)

    def work() -> None:
        print(measure(asked.run, asked.images, asked.drawing_seed, asked.layer))

    return run_command("pointing", work)


if __name__ == "__main__":
    raise SystemExit(main())
