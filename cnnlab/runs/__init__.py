"""The run directory: all that evaluation, reports, export and serving know of training."""

from cnnlab.runs.folder import create_run, list_runs, open_run
from cnnlab.runs.predictions import Predictions
from cnnlab.runs.run import Run

__all__ = ["Predictions", "Run", "create_run", "list_runs", "open_run"]
