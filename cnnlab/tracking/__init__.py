"""Trackers: what a run writes down, shown by the tools that people already look at."""

from cnnlab.tracking import event_files, mlflow_store  # noqa: F401 - importing registers them
from cnnlab.tracking.live import Tracking, targets_for
from cnnlab.tracking.send import Sent, track
from cnnlab.tracking.target import Target, parse_target, parse_targets
from cnnlab.tracking.tracker import TRACKERS, Session, Tracker

__all__ = [
    "TRACKERS",
    "Sent",
    "Session",
    "Target",
    "Tracker",
    "Tracking",
    "parse_target",
    "parse_targets",
    "targets_for",
    "track",
]
