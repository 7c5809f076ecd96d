"""An explanation as a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cnnlab.evaluation.figures.picture import GREY, INK, Picture, Shown
from cnnlab.evaluation.figures.sheet import MARGIN, Sheet
from cnnlab.evaluation.figures.text import shortened
from cnnlab.explanation.explanation import Explanation, HeatMap
from cnnlab.explanation.nearest import Neighbour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["explanation_figure"]

#: In inches: a panel's width, its title, what stands between panels, a colour bar with its words.
_PANEL, _TITLE, _GAP, _BAR = 2.3, 0.26, 0.3, 0.75
_TILE, _TILE_WORDS, _TILES_TITLE = 1.0, 0.36, 0.3
_NARROWEST = 4.6
#: A panel is so many times as high as wide, at least and at most.
_FLATTEST, _TALLEST = 0.3, 2.0
_TILE_COLUMNS = 15
_NAMES = {"grad-cam": "Grad-CAM", "layer-cam": "Layer-CAM", "occlusion": "Occlusion"}
_CAPTIONS = {
    "grad-cam": "Grad-CAM ({made}): where this layer sees evidence for '{name}', in units of its "
    "logit. It is as coarse as the layer's map.",
    "layer-cam": "Layer-CAM ({made}): evidence for '{name}' as in Grad-CAM, but each place of the "
    "layer is weighed by itself.",
    "occlusion": "Occlusion ({made}): how much '{name}' loses where a part is hidden; blue parts "
    "speak against it.",
}


def explanation_figure(explanation: Explanation) -> Picture:
    """Draw the image, each heat map over it with its colour bar, and the nearest training images.

    A frame marks the part that matters most.
    """
    return Picture(lambda shown: _draw(shown, explanation))


def _draw(shown: Shown, explanation: Explanation) -> Figure:
    height, width = explanation.image.shape[:2]
    panel = _PANEL * min(max(height / width, _FLATTEST), _TALLEST)
    maps = explanation.maps
    found = explanation.neighbours.found if explanation.neighbours else ()
    across = _PANEL + len(maps) * (_GAP + _PANEL + _BAR)
    room = max(across, _NARROWEST, min(len(found), 5) * _TILE)
    each_row = int(room / _TILE)
    rows = math.ceil(len(found) / each_row)
    down = _TITLE + panel + (_TILES_TITLE + rows * (_TILE + _TILE_WORDS) if found else 0) + 0.15
    title, lines = _words(explanation)
    notes = _notes(explanation)
    sheet = Sheet(shown, title, lines, notes, width=room + 2 * MARGIN, height=down)
    axes = sheet.axes(MARGIN, _TITLE, _PANEL, panel)
    _show(axes, explanation.image)
    _name(axes, "image")
    left = MARGIN + _PANEL + _GAP
    for each in maps:
        axes = sheet.axes(left, _TITLE, _PANEL, panel)
        bar = sheet.axes(left + _PANEL + 0.07, _TITLE, 0.1, panel)
        _heat(axes, bar, explanation.image, each)
        left += _PANEL + _BAR + _GAP
    top = _TITLE + panel + _TILES_TITLE
    for number, neighbour in enumerate(found):
        row, column = divmod(number, each_row)
        at = (MARGIN + column * _TILE, top + row * (_TILE + _TILE_WORDS))
        _tile(sheet.axes(*at, _TILE - 0.1, _TILE - 0.1), shown, neighbour)
    return sheet.figure


def _words(explanation: Explanation) -> tuple[str, list[str]]:
    """The title, and the lines under it."""
    said = explanation.prediction
    lines = [", ".join(f"{name} {value:.1%}" for name, value in said.top)]
    if explanation.class_name != said.class_name:
        lines.append(f"explained: {explanation.class_name} {explanation.probability:.1%}")
    return f"{said.path}: {said.class_name}", lines


def _notes(explanation: Explanation) -> list[str]:
    notes = [
        _CAPTIONS[each.method].format(made=each.made, name=explanation.class_name)
        for each in explanation.maps
    ]
    nearest = explanation.neighbours
    if nearest is not None:
        behind = f" behind {nearest.layer}" if nearest.layer else ""
        notes.append(
            f"Nearest of {nearest.searched:,} training images by {nearest.metric} distance of the "
            f"{nearest.features:,} features{behind}: labelled class, distance, row."
        )
        if any(each.identical for each in nearest.found):
            notes.append("The model was trained on this very image.")
    return notes


def _show(axes: Axes, image: NDArray[np.uint8]) -> None:
    pixels = image if image.shape[2] > 2 else image[..., 0]
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    _bare(axes)


def _bare(axes: Axes) -> None:
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _name(axes: Axes, words: str) -> None:
    axes.set_title(words, fontsize=8.5, fontweight="normal", color=GREY, pad=4)


def _heat(axes: Axes, bar: Axes, image: NDArray[np.uint8], heat: HeatMap) -> None:
    """The map over the image in grey, so that all colour is the map's; its bar beside it."""
    from matplotlib.patches import Rectangle

    colour = image[..., :3].mean(axis=2) if image.shape[2] > 2 else image[..., 0]
    axes.imshow(colour, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    signed = heat.method == "occlusion"
    largest = max(float(np.abs(heat.values).max()), 1e-12)
    painted = axes.imshow(
        heat.values,
        cmap="RdBu_r" if signed else "inferno",
        vmin=-largest if signed else 0,
        vmax=largest,
        alpha=0.6,
        interpolation="bilinear",
        aspect="auto",
    )
    region = heat.region
    if region is not None:
        corner = (region.left - 0.5, region.top - 0.5)
        size = (region.right - region.left, region.bottom - region.top)
        for colour_of_line, line in ((INK, 2.2), ("white", 1.0)):  # seen on dark and light
            frame = Rectangle(corner, *size, fill=False, edgecolor=colour_of_line, linewidth=line)
            axes.add_patch(frame)
    _bare(axes)
    _name(axes, _NAMES[heat.method])
    scale = axes.figure.colorbar(painted, cax=bar)
    scale.outline.set_visible(False)
    bar.set_ylabel(f"{'drop' if signed else 'evidence'} ({heat.unit})", fontsize=7.5, labelpad=2)
    bar.tick_params(labelsize=7, length=2)
    bar.grid(visible=False)


def _tile(axes: Axes, shown: Shown, neighbour: Neighbour) -> None:
    _show(axes, neighbour.image)
    axes.set_aspect("equal", anchor="NW")
    words = shortened(shown(neighbour.class_name), _TILE_COLUMNS)
    below = f"{neighbour.distance:.4f}, row {neighbour.row}"
    axes.set_xlabel(f"{words}\n{below}", fontsize=6.8, color=INK, loc="left", labelpad=2)
