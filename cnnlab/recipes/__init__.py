"""Recipes: named, complete configurations; the head of each file says what it reaches."""

from __future__ import annotations

from importlib import resources
from typing import Any

from cnnlab.errors import UnknownNameError
from cnnlab.registry import suggestion
from cnnlab.settings import parse_yaml

__all__ = ["load_recipe", "recipe_names"]


def recipe_names() -> list[str]:
    """Every recipe that comes with the package, sorted."""
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load_recipe(name: str) -> dict[str, Any]:
    """A recipe's settings; :class:`UnknownNameError` with a suggestion otherwise."""
    if name not in recipe_names():
        looks_like_a_file = name.endswith((".yaml", ".yml"))
        todo = (
            "a file is named by --config" if looks_like_a_file else suggestion(name, recipe_names())
        )
        raise UnknownNameError(f"no recipe is called '{name}'", todo=todo)
    file = resources.files(__name__) / f"{name}.yaml"
    return dict(parse_yaml(file.read_text(encoding="utf-8"), where=f"recipe {name}"))
