"""Both sides' training curves."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.evaluation.figures import Picture
from cnnlab.evaluation.figures.picture import PALETTE, new_figure
from versus_keras.statistics import Compared

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curves_figure"]

_SIDES = (("cnnlab", "-", PALETTE[0]), ("Keras", "--", PALETTE[1]))
_PANELS = (("train_loss", "training loss (nats)", 1), ("inner_accuracy", "inner accuracy (%)", 100))


def curves_figure(groups: Sequence[Compared]) -> Picture:
    """Two panels a setting, training loss above inner accuracy; a band from lowest to highest."""
    return Picture(lambda _shown: _draw(groups))


def _draw(groups: Sequence[Compared]) -> Figure:
    columns = 2 if len(groups) == 4 else min(3, len(groups))
    bands = -(-len(groups) // columns)
    figure = new_figure(max(3.0 * columns, 4.5), 3.6 * bands)
    panels = figure.subplots(2 * bands, columns, squeeze=False)
    for index in range(bands * columns):
        pair = panels[2 * (index // columns) :, index % columns][:2]
        if index >= len(groups):
            for axes in pair:
                axes.set_axis_off()
            continue
        pair[0].set_title(f"{groups[index].model}, {groups[index].train:,} images")
        pair[1].set_xlabel("epoch" if groups[index].stages == 1 else "epoch, over all stages")
        for axes, (series, label, factor) in zip(pair, _PANELS, strict=True):
            _panel(axes, groups[index], series, factor)
            axes.set_ylabel(label if index % columns == 0 else "")
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2)
    return figure


def _panel(axes: Axes, group: Compared, series: str, factor: float) -> None:
    from matplotlib.ticker import MaxNLocator

    for (name, style, color), runs in zip(_SIDES, (group.ours, group.theirs), strict=True):
        values = group.curve(runs, series) * factor
        with warnings.catch_warnings():
            # No run reached that epoch: a gap.
            warnings.filterwarnings("ignore", "All-NaN|Mean of empty", RuntimeWarning)
            mean, low, high = (f(values, axis=0) for f in (np.nanmean, np.nanmin, np.nanmax))
        for stage in range(group.stages):
            part = slice(stage * group.epochs, (stage + 1) * group.epochs)
            x = np.arange(part.start, part.stop) + 1
            axes.fill_between(x, low[part], high[part], color=color, alpha=0.15, linewidth=0)
            label = name if stage == 0 else "_more"
            axes.plot(x, mean[part], style, color=color, marker="o", markersize=3, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
