"""The document that a run, or several, hand in."""

from cnnlab.reports.build import (
    DEFAULT_FORMATS,
    FORMATS,
    build_document,
    checked_formats,
    write_document,
    write_report,
)

__all__ = [
    "DEFAULT_FORMATS",
    "FORMATS",
    "build_document",
    "checked_formats",
    "write_document",
    "write_report",
]
