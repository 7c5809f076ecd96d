"""The reference of the Python API: what to show; mkdocstrings shows it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import cnnlab

__all__ = ["python_pages", "returned_classes"]

_FUNCTIONS = """\
# Functions

What `import cnnlab` gives. Each name is imported when it is first used. Errors are those of
[cnnlab.errors](errors.md).
"""
_OBJECTS = """\
# What they return

The objects that the functions give. In a notebook they show themselves; `to_text()` is what the
command line prints of them, and `to_dict()` what it prints with `--json`.
"""
_ERRORS = """\
# Errors
"""


def python_pages() -> dict[str, str]:
    """Pages by their path: the public names, what they return, the errors."""
    public = {name: getattr(cnnlab, name) for name in cnnlab.__all__}
    functions = [
        _shown(f"{value.__module__}.{value.__qualname__}", heading=f'"cnnlab.{name}"')
        for name, value in public.items()
    ]
    objects = [_object(value, names) for value, names in returned_classes().items()]
    errors = _shown("cnnlab.errors", show_root_heading="false", show_root_toc_entry="false")
    return {
        "reference/functions.md": "\n\n".join([_FUNCTIONS, *functions]) + "\n",
        "reference/objects.md": "\n\n".join([_OBJECTS, *objects]) + "\n",
        "reference/errors.md": f"{_ERRORS}\n{errors}\n",
    }


def returned_classes() -> dict[type, list[str]]:
    """The classes of the package that public functions return, with these functions' names."""
    found: dict[type, list[str]] = {}
    for name in cnnlab.__all__:
        value = getattr(cnnlab, name)
        if not inspect.isclass(value):
            for each in _named_in_return(value):
                found.setdefault(each, []).append(name)
    public = {getattr(cnnlab, name) for name in cnnlab.__all__}
    classes = sorted(set(found) - public, key=lambda each: (each.__name__, each.__module__))
    return {each: found[each] for each in classes}


def _named_in_return(function: Any) -> Iterator[type]:
    """The package's classes in a return annotation, which is text."""
    scope = vars(sys.modules[function.__module__])
    words = str(inspect.signature(function).return_annotation)
    for word in words.replace("[", " ").replace("]", " ").replace(",", " ").split():
        value = scope.get(word)
        if inspect.isclass(value) and value.__module__.startswith("cnnlab."):
            yield value


def _object(value: type, functions: list[str]) -> str:
    given = ", ".join(f"`cnnlab.{name}`" for name in functions)
    hidden = {"show_root_heading": "false", "show_root_toc_entry": "false", "heading_level": "3"}
    shown = _shown(f"{value.__module__}.{value.__qualname__}", **hidden)
    return f"## {value.__name__}\n\nGiven by {given}.\n\n{shown}"


def _shown(name: str, **options: str) -> str:
    lines = "\n".join(f"      {key}: {value}" for key, value in options.items())
    return f"::: {name}\n    options:\n{lines}"
