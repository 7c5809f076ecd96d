"""Pure functions on arrays: what predictions are worth, and how sure that is."""

from __future__ import annotations

from cnnlab.metrics.bootstrap import MacroIntervals, macro_intervals
from cnnlab.metrics.calibration import (
    ECE_BINS,
    ReliabilityBin,
    brier,
    ece,
    log_softmax,
    nll,
    reliability_bins,
    softmax,
)
from cnnlab.metrics.confusion import (
    ClassScores,
    balanced_accuracy,
    confusion_matrix,
    macro_f1,
    per_class_report,
    predicted_classes,
    top1,
    top_k_accuracy,
)
from cnnlab.metrics.paired import (
    PairedComparison,
    compare_counts,
    compare_paired,
    holm,
    holm_levels,
)
from cnnlab.metrics.power import LEVEL, images_needed, seeds_needed
from cnnlab.metrics.scores import Scores, score
from cnnlab.metrics.seeds import (
    MeanDifference,
    SeedSummary,
    difference_by_seed,
    improvement_probability,
    paired_difference,
    pooled_difference,
    summarize,
    welch_difference,
)
from cnnlab.metrics.selective import CoverageCurve, coverage_curve
from cnnlab.metrics.statistics import Interval, clopper_pearson, wilson_interval
from cnnlab.metrics.temperature import (
    at_temperature,
    cross_fitted_probabilities,
    fit_temperature,
)

__all__ = [
    "ECE_BINS",
    "LEVEL",
    "ClassScores",
    "CoverageCurve",
    "Interval",
    "MacroIntervals",
    "MeanDifference",
    "PairedComparison",
    "ReliabilityBin",
    "Scores",
    "SeedSummary",
    "at_temperature",
    "balanced_accuracy",
    "brier",
    "clopper_pearson",
    "compare_counts",
    "compare_paired",
    "confusion_matrix",
    "coverage_curve",
    "cross_fitted_probabilities",
    "difference_by_seed",
    "ece",
    "fit_temperature",
    "holm",
    "holm_levels",
    "images_needed",
    "improvement_probability",
    "log_softmax",
    "macro_f1",
    "macro_intervals",
    "nll",
    "paired_difference",
    "per_class_report",
    "pooled_difference",
    "predicted_classes",
    "reliability_bins",
    "score",
    "seeds_needed",
    "softmax",
    "summarize",
    "top1",
    "top_k_accuracy",
    "welch_difference",
    "wilson_interval",
]
