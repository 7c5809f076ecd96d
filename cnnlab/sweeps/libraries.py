"""Optuna, the engine of the search: whether it is there, and keeping it quiet."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from cnnlab.errors import InputError

__all__ = ["quiet", "require_optuna"]


def require_optuna() -> None:
    """Raise :class:`InputError` that says what to install where Optuna is missing."""
    if find_spec("optuna") is None:
        raise InputError(
            "a search needs optuna, which is not installed", todo="pip install 'cnnlab[sweeps]'"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what Optuna logs of every trial, and that some of its parts are new."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
