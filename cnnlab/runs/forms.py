"""What the files of a run hold, so that whoever reads them need not expect anything else.

A run may come from somebody else. What is checked is the kind of each value that is known here;
a key that is not there, where it may be missing, and keys of later versions are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from cnnlab.errors import RunError

__all__ = ["FORMS", "check_form"]

#: A check gives what was expected, or None where it is that.
Check = Callable[[Any], str | None]
Form = Mapping[str, Any]


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "text"


def _whole(value: Any) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63
    return None if fits else "a whole number, 0 or more"


def _number(value: Any) -> str | None:
    """NaN and infinity are figures too: a loss may have become one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return None if abs(value) < 1 << 63 else "a number"
    return None if isinstance(value, float) else "a number"


def _finite(value: Any) -> str | None:
    return _number(value) or (None if math.isfinite(value) else "a finite number")


def _share(value: Any) -> str | None:
    return _finite(value) or (None if 0 <= value <= 1 else "a number from 0 to 1")


def _above_zero(value: Any) -> str | None:
    return _finite(value) or (None if value > 0 else "a number above 0")


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _or_none(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _list(check: Check, least: int = 0) -> Check:
    def checked(value: Any) -> str | None:
        if not isinstance(value, list) or len(value) < least:
            return f"a list of {least} or more" if least else "a list"
        wrong = next((said for item in value if (said := check(item))), None)
        return f"a list, each item {wrong}" if wrong else None

    return checked


_ROWS = _list(_whole)


def _rows(value: Any) -> str | None:
    """As a list of whole numbers; a split has tens of thousands, so the common case is quick."""
    if isinstance(value, list) and set(map(type, value)) == {int}:
        return None if min(value) >= 0 and max(value) < 1 << 63 else _ROWS(value)
    return _ROWS(value)


def _mapping(value: Any) -> str | None:
    return None if isinstance(value, dict) else "a mapping"


#: Of each file the keys; one that ends in "?" may be missing. A mapping is a form of its own.
FORMS: Mapping[str, Form] = {
    "split.json": {
        "dataset": {
            "name": _text,
            "fingerprint": _text,
            "class_names": _list(_text, 1),
            "image_shape?": _list(_whole, 3),
            "images?": _whole,
            "parts?": _mapping,
            "origin?": _text,
            "notes?": _list(_text),
        },
        **dict.fromkeys(("train", "validation", "test"), _rows),
    },
    "preprocessing.json": {
        "mean": _list(_finite, 1),
        "std": _list(_above_zero, 1),
        "image_size": _list(_whole, 2),
        "resize": _text,
        "mirror": _flag,
    },
    "environment.json": {
        "versions?": _mapping,
        "choices": {
            "device?": {"name": _text, "reason?": _text},
            "precision?": {"name": _text, "reason?": _text},
            "compile?": {"name": _text, "reason?": _text},
            "threads?": _whole,
            "threads_reason?": _text,
        },
        "processor?": _text,
        "accelerator?": _text,
        "system?": _text,
        "machine?": _text,
        "python?": _text,
        "cores?": _or_none(_whole),
        "processes?": _or_none(_whole),
        "memory_bytes?": _or_none(_whole),
        "source_revision?": _or_none(_text),
        "created?": _text,
    },
    "metrics.jsonl": {
        "stage": _whole,
        "epoch": _whole,
        "step?": _whole,
        "lr?": _number,
        **{
            f"{part}_{figure}?": check
            for part in ("train", "inner", "validation")
            for figure, check in (("loss", _number), ("accuracy", _share))
        },
    },
    "timing.jsonl": {
        "stage": _whole,
        "epoch": _whole,
        "seconds": _finite,
        "images_per_second?": _finite,
    },
    "ledger.jsonl": {
        "time": _text,
        "command": _text,
        "split?": _text,
        "n": _whole,
        "top1": _share,
    },
    "resources.jsonl": {
        "seconds": _finite,
        "cpu_percent?": _finite,
        "memory_bytes?": _finite,
        "temperature_celsius?": _finite,
        "energy_joules?": _finite,
        "stage?": _whole,
        "epoch?": _whole,
        "step?": _whole,
    },
    "temperature.json": {"temperature": _above_zero},
    "audit.json": {"fingerprint": _text, "copies": _list(_text)},
    "inexact.jsonl": {"after_step": _whole, "changed": _list(_text)},
    "result.json": {
        "status": _text,
        "stopped_because": _text,
        "epochs": _whole,
        "chosen_epoch?": {"stage": _whole, "epoch": _whole},
        "train_seconds": _finite,
        "images_per_second": _finite,
    },
}


def check_form(file: str, content: Mapping[str, Any], where: object, *, todo: str) -> None:
    """Raise :class:`RunError` naming the first key that is not as ``file`` should have it.

    ``todo``: what the error says brings the file back.
    """
    form = FORMS.get(file)
    wrong = _wrong(form, content, "") if form is not None else None
    if wrong is not None:
        key, found, expected = wrong
        raise RunError(f"damaged: '{key}' is {found}", where=where, expected=expected, todo=todo)


def _wrong(form: Form, content: Mapping[str, Any], prefix: str) -> tuple[str, str, str] | None:
    """The dotted key, what stands there and what should, of the first that is not as it should."""
    for name, check in form.items():
        key, path = name.removesuffix("?"), prefix + name.removesuffix("?")
        if key not in content or (content[key] is None and name != key):
            if name == key:
                return path, "missing", "a run's file"
            continue
        value = content[key]
        if not callable(check):
            inner = _wrong(check, value, f"{path}.") if isinstance(value, dict) else None
            if inner is not None:
                return inner
        expected = _mapping(value) if not callable(check) else check(value)
        if expected is not None:
            return path, repr(value)[:60], expected
    return None
