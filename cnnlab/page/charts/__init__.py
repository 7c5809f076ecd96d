"""Charts as marks on a plane: computed here, drawn as SVG by a template, styled by the page."""

from cnnlab.page.charts.intervals import interval_plot
from cnnlab.page.charts.learning import Curves, curve_plots, resource_plots
from cnnlab.page.charts.plot import Plot, sparkline
from cnnlab.page.charts.reliability import reliability_plot

__all__ = [
    "Curves",
    "Plot",
    "curve_plots",
    "interval_plot",
    "reliability_plot",
    "resource_plots",
    "sparkline",
]
