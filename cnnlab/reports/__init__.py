"""The document that a run, or several, hand in."""

from cnnlab.reports.build import (
    FORMATS,
    build_document,
    checked_formats,
    write_document,
    write_report,
)

__all__ = ["FORMATS", "build_document", "checked_formats", "write_document", "write_report"]
