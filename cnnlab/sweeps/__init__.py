"""Sweeps: what is searched, what happened, and what can be said of it.

Everything here is a pure part; what trains, and writes a sweep's folder, is
:mod:`cnnlab.workflows.tune`.
"""

from cnnlab.sweeps.budget import Budget
from cnnlab.sweeps.confirmation import Candidate, Confirmation, confirm
from cnnlab.sweeps.dimensions import Choice, Dimension, Int, Log, Uniform
from cnnlab.sweeps.engine import Engine, EngineSettings
from cnnlab.sweeps.history import BASELINE, FreshRun, History, Trial, event
from cnnlab.sweeps.importance import Importance, importance_of
from cnnlab.sweeps.libraries import require_optuna
from cnnlab.sweeps.pruners import PRUNERS, Pace, parse_pace
from cnnlab.sweeps.samplers import SAMPLERS
from cnnlab.sweeps.space import Space, parse_space, read_space

__all__ = [
    "BASELINE",
    "PRUNERS",
    "SAMPLERS",
    "Budget",
    "Candidate",
    "Choice",
    "Confirmation",
    "Dimension",
    "Engine",
    "EngineSettings",
    "FreshRun",
    "History",
    "Importance",
    "Int",
    "Log",
    "Pace",
    "Space",
    "Trial",
    "Uniform",
    "confirm",
    "event",
    "importance_of",
    "parse_pace",
    "parse_space",
    "read_space",
    "require_optuna",
]
