"""A sweep over two settings of trainings that take a second."""

from cnnlab.sweeps import Budget
from cnnlab.workflows.tune import tune

SPACE = {"optimizer.lr": {"log": [1e-4, 1e-1]}, "training.batch_size": {"choice": [16, 40]}}


def sweep(folder, settings, *, space=SPACE, trials=5, confirm=1, seeds=2, name="s", **more):
    budget = Budget(more.pop("seconds", None), trials, confirm, seeds)
    return tune(space, name=name, sweeps=folder, budget=budget, settings=settings, **more)
