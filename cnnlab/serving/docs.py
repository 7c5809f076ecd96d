"""The page about the server: the OpenAPI description as HTML, without a script or another host."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, Template

from cnnlab.serving.predictor import ModelFacts

__all__ = ["DOCS_POLICY", "docs_page"]

_HERE = files("cnnlab.serving")
_STYLE = (_HERE / "docs.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: The page may show itself and send its form back here, nothing else.
DOCS_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_HERE / "docs.html").read_text(encoding="utf-8"))


def docs_page(description: Mapping[str, Any], facts: ModelFacts) -> str:
    """The page for an OpenAPI description."""
    operations = [
        {"path": path, "method": method.upper(), **told}
        for path, methods in description["paths"].items()
        for method, told in methods.items()
    ]
    height, width, channels = facts.input_shape
    return _template().render(
        style=_STYLE,
        version=description["info"]["version"],
        facts=facts,
        shape=f"{height} x {width}, " + ("grey" if channels == 1 else f"{channels} channels"),
        operations=operations,
        schemas=description["components"]["schemas"],
        kind_of=_kind,
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """What kind of value a property is, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
