"""What records of benchmarks say of the machine, made up."""

from __future__ import annotations

from typing import Any

__all__ = ["MACHINE"]

MACHINE: dict[str, Any] = {
    "processor": "P",
    "cores": 2,
    "memory_bytes": 1 << 30,
    "vector_instructions": "V",
    "python": "3",
    "versions": {},
    "source_revision": None,
}
