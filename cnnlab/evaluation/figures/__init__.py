"""Arrays become pictures: every figure of cnnlab, in one style."""

from cnnlab.evaluation.figures.calibration import calibration_figure
from cnnlab.evaluation.figures.captioned import captioned_images
from cnnlab.evaluation.figures.comparison import Measured, comparison_chart
from cnnlab.evaluation.figures.confusion import COUNTS_UP_TO, confusion_heat_map
from cnnlab.evaluation.figures.curves import SERIES, StageCurves, learning_curves
from cnnlab.evaluation.figures.dataset import (
    ROWS_UP_TO,
    SAMPLES_A_CLASS,
    DatasetFigure,
    dataset_figure,
)
from cnnlab.evaluation.figures.examples import MOST_IN_A_ROW, ExampleRow, example_rows
from cnnlab.evaluation.figures.forest import Estimate, forest_plot
from cnnlab.evaluation.figures.grid import sample_grid
from cnnlab.evaluation.figures.parallel import (
    ParallelAxis,
    ParallelLine,
    parallel_coordinates,
)
from cnnlab.evaluation.figures.picture import Picture
from cnnlab.evaluation.figures.rates import rate_curve
from cnnlab.evaluation.figures.resources import resource_figure
from cnnlab.evaluation.figures.severity import Panel, severity_curves
from cnnlab.evaluation.figures.sweep import (
    ConfirmedRow,
    Scale,
    TrialPoint,
    confirmation_figure,
    importance_bars,
    sweep_history,
)

__all__ = [
    "COUNTS_UP_TO",
    "MOST_IN_A_ROW",
    "ROWS_UP_TO",
    "SAMPLES_A_CLASS",
    "SERIES",
    "ConfirmedRow",
    "DatasetFigure",
    "Estimate",
    "ExampleRow",
    "Measured",
    "Panel",
    "ParallelAxis",
    "ParallelLine",
    "Picture",
    "Scale",
    "StageCurves",
    "TrialPoint",
    "calibration_figure",
    "captioned_images",
    "comparison_chart",
    "confirmation_figure",
    "confusion_heat_map",
    "dataset_figure",
    "example_rows",
    "forest_plot",
    "importance_bars",
    "learning_curves",
    "parallel_coordinates",
    "rate_curve",
    "resource_figure",
    "sample_grid",
    "severity_curves",
    "sweep_history",
]
