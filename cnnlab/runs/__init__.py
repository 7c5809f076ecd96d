"""The run directory: all that evaluation, reports, export and serving know of training."""

from cnnlab.runs.command_line import command_line
from cnnlab.runs.config_file import is_newer_schema
from cnnlab.runs.corrupted import CorruptedPredictions
from cnnlab.runs.folder import (
    AnyRun,
    as_run,
    as_run_name,
    as_runs,
    create_run,
    files_of,
    find_run,
    has_marks,
    list_runs,
    open_run,
    open_runs,
)
from cnnlab.runs.predictions import Predictions
from cnnlab.runs.run import Run
from cnnlab.runs.tensors import open_tensors

__all__ = [
    "AnyRun",
    "CorruptedPredictions",
    "Predictions",
    "Run",
    "as_run",
    "as_run_name",
    "as_runs",
    "command_line",
    "create_run",
    "files_of",
    "find_run",
    "has_marks",
    "is_newer_schema",
    "list_runs",
    "open_run",
    "open_runs",
    "open_tensors",
]
