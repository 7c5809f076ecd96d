"""What an audit of a dataset found, as a document."""

from cnnlab.reports.audit.build import build_audit

__all__ = ["build_audit"]
