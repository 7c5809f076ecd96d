"""Pure functions on arrays: what predictions are worth, and how sure that is."""

from __future__ import annotations

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
from cnnlab.metrics.paired import PairedComparison, compare_paired, holm
from cnnlab.metrics.scores import Scores, score
from cnnlab.metrics.statistics import Interval, clopper_pearson, wilson_interval

__all__ = [
    "ECE_BINS",
    "ClassScores",
    "Interval",
    "PairedComparison",
    "ReliabilityBin",
    "Scores",
    "balanced_accuracy",
    "brier",
    "clopper_pearson",
    "compare_paired",
    "confusion_matrix",
    "ece",
    "holm",
    "log_softmax",
    "macro_f1",
    "nll",
    "per_class_report",
    "predicted_classes",
    "reliability_bins",
    "score",
    "softmax",
    "top1",
    "top_k_accuracy",
    "wilson_interval",
]
