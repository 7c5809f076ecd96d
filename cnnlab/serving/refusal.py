"""A request that is not answered with what it asked for: a status, and one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

__all__ = ["Refusal", "busy", "problem"]

_LONGEST = 1000


class Refusal(Exception):
    """Ends a request. ``message``: one line, which names what it is about."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


def busy(message: str, *, seconds: int = 1) -> Refusal:
    """503: too much at once; the client may come again after so many seconds."""
    return Refusal(503, message, headers={"retry-after": str(seconds)})


def problem(message: str) -> bytes:
    """The body of a refusal, one line."""
    line = " ".join(message.split())[:_LONGEST]
    return json.dumps({"error": line}).encode() + b"\n"
