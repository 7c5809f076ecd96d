"""The libraries behind the extra ``export``: whether they are there, and keeping them quiet."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec

from cnnlab.errors import InputError

__all__ = ["quiet", "require_libraries"]

_NEEDED = ("onnx", "onnxruntime", "onnxscript")
#: onnxruntime's own levels of what it writes to standard error: 2 warnings, 3 errors.
_ERRORS_ONLY = 3


def require_libraries() -> None:
    """Raise :class:`InputError` that says what to install where one of them is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"ONNX files need {' and '.join(missing)}, which {_are(missing)} not installed",
            todo="pip install 'cnnlab[export]'",
        )


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to themselves what exporter and quantizer print, log and warn of.

    It is about their insides; what matters to a user is found by holding the file against the
    network. onnxruntime's native warnings stay off in this process from then on.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
