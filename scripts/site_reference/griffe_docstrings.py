"""Lets mkdocstrings read our docstrings."""

from __future__ import annotations

from typing import Any

import griffe

from site_reference.docstrings import markdown_of


class HouseDocstrings(griffe.Extension):
    """Turns every docstring into Markdown once the package is read."""

    def on_object(self, *, obj: griffe.Object, **others: Any) -> None:
        """Replace an object's docstring."""
        del others
        if obj.docstring is not None:
            obj.docstring.value = markdown_of(obj.docstring.value)
