"""Many trainings: one after the other here, on this machine's cores and GPUs, on a Ray cluster."""

from cnnlab.workflows.executors.in_process import InProcess
from cnnlab.workflows.executors.interface import EXECUTORS, Executor, Factory, Job, JobEnd

__all__ = ["EXECUTORS", "Executor", "Factory", "InProcess", "Job", "JobEnd"]
