"""Optimizers with Keras's arithmetic where Keras has them, and learning-rate schedules."""

from __future__ import annotations

from cnnlab.optim.adam import Adam
from cnnlab.optim.adamax import Adamax
from cnnlab.optim.base import (
    OPTIMIZERS,
    OptimizerEntry,
    forget_traces,
    make_optimizer,
    optimizer_options,
)
from cnnlab.optim.muon import Muon, orthogonalize
from cnnlab.optim.schedules import SCHEDULES, Schedule, schedule_factor, schedule_options
from cnnlab.optim.sgd import SGD

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "Adamax",
    "Muon",
    "OptimizerEntry",
    "Schedule",
    "forget_traces",
    "make_optimizer",
    "optimizer_options",
    "orthogonalize",
    "schedule_factor",
    "schedule_options",
]
