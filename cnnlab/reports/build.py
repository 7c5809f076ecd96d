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
from cnnlab.reports.pdf import check_typst, render_pdf
from cnnlab.reports.record import records_of
from cnnlab.reports.section import sections_of
from cnnlab.reports.seed_groups import SeedGroup, seed_groups
from cnnlab.reports.texts import TEXT_FOLDER, Texts, read_texts
from cnnlab.reports.wording import enumeration
from cnnlab.runs import AnyRun, Run, as_runs

__all__ = [
    "DEFAULT_FORMATS",
    "FORMATS",
    "build_document",
    "checked_formats",
    "write_document",
    "write_report",
]

_STEM = "report"
#: So many runs or groups of seeds are named in the title.
_MOST_NAMES = 5


def build_document(runs: Sequence[Run], texts: Texts | None = None) -> Document:
    """Read the run directories and say what they hold, section by section.

    ``texts`` are the author's own words, which stand before what was measured. Raises
    :class:`InputError` for no run and :class:`RunError` for one that is damaged. A run whose
    training or evaluation is not done gives a document that says so.
    """
    import cnnlab.reports.sections  # noqa: F401  # importing it registers the sections

    if not runs:
        raise InputError("no run to report on", expected="one or more")
    records = records_of(runs)
    said = texts or Texts()
    try:
        groups = seed_groups(records)
        blocks = tuple(sections_of(records, said.sections))
    except KeyError as error:  # the kinds of what is there were checked when it was read
        raise RunError(
            f"a file of the run lacks the key {error}",
            where=", ".join(str(run.path) for run in runs),
            todo="look at it with: cnnlab runs show RUN",
        ) from error
    return Document(
        title=said.title or _title(groups),
        subtitle="Image classification report" if len(records) == 1 else "Comparison of runs",
        byline=said.byline,
        blocks=blocks,
        footer=f"Written by cnnlab {version('cnnlab')} from {_directories(groups)}.",
    )


def _title(groups: Sequence[SeedGroup]) -> str:
    """The names of runs and groups of seeds; of many how many they are."""
    if len(groups) == 1 and not groups[0].is_single:
        return f"{groups[0].label}: {len(groups[0].records)} seeds"
    if len(groups) <= _MOST_NAMES:
        return enumeration([group.label for group in groups])
    return f"{sum(len(group.records) for group in groups)} runs"


def _directories(groups: Sequence[SeedGroup]) -> str:
    labels = [record.label for group in groups for record in group.records]
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


def _pdf(document: Document, folder: Path) -> Path:
    path = folder / f"{_STEM}.pdf"
    write_bytes(path, render_pdf(document))
    return path


#: What a report can be written as; each returns the file to open.
FORMATS: dict[str, Callable[[Document, Path], Path]] = {
    "html": _html,
    "md": _markdown,
    "pdf": _pdf,
}

#: Those that are written where none is asked for.
DEFAULT_FORMATS = ("html", "md")
#: Other names of formats.
_ALIASES = {"markdown": "md"}


def write_report(
    runs: Sequence[AnyRun],
    folder: Path | str,
    formats: Sequence[str] = DEFAULT_FORMATS,
    *,
    text: Path | None = None,
) -> list[Path]:
    """Write ``report.html``, ``report.md`` (with ``figures/``), ``report.pdf`` into ``folder``.

    Files of an earlier report are replaced. ``text`` is the folder of the author's own words;
    without it the folder ``text`` in ``folder`` is taken, if there is one. Returns one path a
    format; raises what :func:`build_document`, :func:`checked_formats` and
    :func:`cnnlab.reports.texts.read_texts` raise, and ``StorageError`` where the folder cannot be
    written.
    """
    folder = Path(folder)
    beside = folder / TEXT_FOLDER
    words = text if text is not None else beside if beside.is_dir() else None
    texts = None if words is None else read_texts(words)
    names = checked_formats(formats)
    return write_document(build_document(as_runs(runs), texts), folder, names)


def checked_formats(formats: Sequence[str]) -> list[str]:
    """Their own names, each once: what can be asked before hours of training.

    Raises ``UnknownNameError`` for one that is not written here, and :class:`InputError` for PDF
    where what sets it is not installed.
    """
    names = [_ALIASES.get(name.lower(), name.lower()) for name in formats]
    for name in names:
        if name not in FORMATS:
            raise UnknownNameError(f"no format '{name}'", todo=suggestion(name, list(FORMATS)))
    if "pdf" in names:
        check_typst()
    return list(dict.fromkeys(names))


def write_document(
    document: Document, folder: Path, formats: Sequence[str] = DEFAULT_FORMATS
) -> list[Path]:
    """Write a document into ``folder`` as ``report.html``, ``report.md`` ...; return the paths.

    Raises what :func:`checked_formats` raises, and ``StorageError`` where it cannot be written.
    """
    return [FORMATS[name](document, folder) for name in checked_formats(formats)]
