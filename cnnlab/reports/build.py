"""From run directories to a document, and from that to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from cnnlab.errors import InputError, RunError, UnknownNameError
from cnnlab.files import write_bytes, write_text
from cnnlab.registry import suggestion
from cnnlab.reports.document import Document
from cnnlab.reports.html import render_html
from cnnlab.reports.markdown import figure_files, render_markdown
from cnnlab.reports.record import records_of
from cnnlab.reports.section import sections_of
from cnnlab.reports.wording import enumeration
from cnnlab.runs import Run

__all__ = ["FORMATS", "build_document", "write_document", "write_report"]

_STEM = "report"


def build_document(runs: Sequence[Run]) -> Document:
    """Read the run directories and say what they hold, section by section.

    Raises :class:`InputError` for no run and :class:`RunError` for one that is damaged. A run
    whose training or evaluation is not done gives a document that says so.
    """
    import cnnlab.reports.sections  # noqa: F401  # importing it registers the sections

    if not runs:
        raise InputError("no run to report on", expected="one or more")
    records = records_of(runs)
    labels = [record.label for record in records]
    try:
        blocks = tuple(sections_of(records))
    except KeyError as error:  # the kinds of what is there were checked when it was read
        raise RunError(
            f"a file of the run lacks the key {error}",
            where=", ".join(str(run.path) for run in runs),
            todo="look at it with: cnnlab runs show RUN",
        ) from error
    return Document(
        title=enumeration(labels) if len(labels) <= 3 else f"{len(labels)} runs",
        subtitle="Image classification report" if len(labels) == 1 else "Comparison of runs",
        blocks=blocks,
        footer=f"Written by cnnlab {version('cnnlab')} from {_directories(labels)}.",
    )


def _directories(labels: Sequence[str]) -> str:
    noun = "directory" if len(labels) == 1 else "directories"
    return f"the run {noun} {enumeration(labels)}"


def _html(document: Document, folder: Path) -> Path:
    path = folder / f"{_STEM}.html"
    write_text(path, render_html(document))
    return path


def _markdown(document: Document, folder: Path) -> Path:
    path = folder / f"{_STEM}.md"
    for name, content in figure_files(document).items():
        write_bytes(folder / name, content)
    write_text(path, render_markdown(document))
    return path


#: What a report can be written as; each returns the file to open.
FORMATS: dict[str, Callable[[Document, Path], Path]] = {"html": _html, "markdown": _markdown}


def write_report(
    runs: Sequence[Run], folder: Path, formats: Sequence[str] = ("html", "markdown")
) -> list[Path]:
    """Write ``report.html`` and ``report.md`` (with ``figures/``) into ``folder``.

    Files of an earlier report are replaced. Returns one path a format; raises what
    :func:`build_document` raises, ``UnknownNameError`` for a format and ``StorageError`` where
    the folder cannot be written.
    """
    return write_document(build_document(runs), folder, formats)


def write_document(
    document: Document, folder: Path, formats: Sequence[str] = ("html", "markdown")
) -> list[Path]:
    """Write a document into ``folder`` as ``report.html``, ``report.md`` ...; return the paths.

    Raises ``UnknownNameError`` for a format and ``StorageError`` where it cannot be written.
    """
    for name in formats:
        if name not in FORMATS:
            raise UnknownNameError(f"no format '{name}'", todo=suggestion(name, list(FORMATS)))
    return [FORMATS[name](document, folder) for name in formats]
