"""Many trainings: one after the other here, on this machine's cores and GPUs, on a Ray cluster."""

from cnnlab.workflows.executors.in_process import InProcess
from cnnlab.workflows.executors.interface import (
    EXECUTORS,
    Executor,
    Factory,
    Job,
    JobEnd,
    never_stop,
)
from cnnlab.workflows.executors.local import Local
from cnnlab.workflows.executors.ray_executor import OnRay

__all__ = [
    "EXECUTORS",
    "Executor",
    "Factory",
    "InProcess",
    "Job",
    "JobEnd",
    "Local",
    "OnRay",
    "never_stop",
]
