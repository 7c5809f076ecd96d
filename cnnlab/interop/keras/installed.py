"""The libraries behind the extra ``keras``; the only file that imports Keras."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType

from cnnlab.errors import InputError

__all__ = ["load_keras", "quiet", "require_libraries"]


def require_libraries(*names: str) -> None:
    """Raise :class:`InputError` that says what to install where one of them is missing."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise InputError(
            f"Keras files need {' and '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed",
            todo="pip install 'cnnlab[keras]'",
        )


def load_keras() -> ModuleType:
    """Keras as this process has it already, or else on its torch backend.

    Raises :class:`InputError` where it is not installed or cannot start.
    """
    require_libraries("h5py", "keras")
    loaded = "keras" in sys.modules
    before = os.environ.get("KERAS_BACKEND")
    if not loaded:
        os.environ["KERAS_BACKEND"] = "torch"  # which is here; the user's may not be
    try:
        with warnings.catch_warnings():  # of its own imports, which are not the user's matter
            warnings.simplefilter("ignore")
            import keras
    except (ImportError, ValueError) as error:
        raise InputError(
            f"Keras cannot start: {' '.join(str(error).split())}",
            todo="pip install 'cnnlab[keras]'",
        ) from error
    finally:
        if not loaded:
            os.environ.pop("KERAS_BACKEND")
            if before is not None:
                os.environ["KERAS_BACKEND"] = before
    module: ModuleType = keras
    return module


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what NumPy says of how Keras on torch hands it arrays."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning
        )
        yield
