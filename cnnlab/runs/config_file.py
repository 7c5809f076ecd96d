"""A run's ``config.yaml``, and whether this version can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cnnlab.config import SCHEMA
from cnnlab.errors import RunError
from cnnlab.settings import load_yaml

__all__ = ["is_newer_schema", "read_config"]


def is_newer_schema(version: object) -> bool:
    """Whether ``schema_version`` is one that only a later cnnlab reads."""
    return isinstance(version, int) and version > SCHEMA


def read_config(path: Path) -> dict[str, Any]:
    """Read it as it stands; :class:`RunError` for the schema of another version."""
    config = load_yaml(path)
    version = config.get("schema_version")
    if version != SCHEMA:
        newer = is_newer_schema(version)
        raise RunError(
            f"a newer cnnlab wrote it, schema version {version}"
            if newer
            else f"schema version {version}",
            where=path,
            expected=f"{SCHEMA}, which is what this cnnlab reads",
            todo="upgrade cnnlab" if newer else "is it the config.yaml of a run?",
        )
    return config
