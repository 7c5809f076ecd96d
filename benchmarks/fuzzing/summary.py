"""What the records show: a table by format, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.records import Record
from harness.sessions import Section, document_of

from cnnlab.errors import RunError
from cnnlab.reports.document import Block, Document, ItemList, Paragraph, Table
from fuzzing.families import FAMILIES
from fuzzing.found import FOUND
from fuzzing.trial import GOOD

__all__ = ["build_document"]

_FINDINGS_SHOWN = 50
_HEADER = (
    *("format", "inputs", "refused", "right", "not judged", "wrong", "tracebacks", "hangs"),
    *("other findings", "peak MB", "slowest ms"),
)


def build_document(records: Sequence[Record]) -> Document:
    """The section on fuzzing; of an input that was tried more than once the last time counts."""
    sessions = [record for record in records if "number" not in record]
    tried = {(r["format"], r["seed"], r["number"]): r for r in records if "number" in r}
    if not tried:
        raise RunError("no input is recorded", todo="run fuzz.py first")
    everything = [*tried.values()]
    rows = [
        _row(name, found)
        for name in FAMILIES
        if (found := [r for r in everything if r["format"] == name])
    ]
    bad = [record for record in everything if record["outcome"] not in GOOD]
    blocks: list[Block] = [
        Paragraph(
            f"{len(everything):,} inputs, {len(bad)} findings: a traceback, a hang of more than 5 "
            "s, more than 1,074 MB of memory, something loaded that the files do not say, a "
            "message of more than one line or without a file's name, or something left behind."
        ),
        Table.of(_HEADER, [*rows, _row("all", everything)], _CAPTION),
    ]
    if bad:
        said = [f"{r['format']} {r['number']}: {r['outcome']}: {r['said']}" for r in bad]
        blocks.append(ItemList(tuple(said[:_FINDINGS_SHOWN])))
    blocks += [
        Paragraph("Found, or seen while the oracles were written, and mended; each with a test:"),
        ItemList(FOUND),
    ]
    return document_of(
        "Fuzzing",
        "Does any file make cnnlab crash, hang, fill the memory, or load what is not in it?",
        "fuzz.py",
        [Section("Inputs", [{**sessions[-1], "threads": 1}], blocks)],
    )


_CAPTION = (
    "Refused: an error of one line that names the file, and nothing is left behind. Right: loaded, "
    "and the same as a reader that is not cnnlab's finds. Not judged: loaded, and no such reader "
    "knows what it should be. Peak MB is the resident memory of the whole process, Python, NumPy "
    "and (for runs) torch included, while cnnlab is at work; slowest is of that work alone."
)


def _row(name: str, records: Sequence[Record]) -> tuple[str, ...]:
    counts = Counter(record["outcome"] for record in records)
    shown = ("refused", "right", "not judged", "wrong", "traceback", "hang")
    others = len(records) - sum(counts[outcome] for outcome in shown)
    return (
        name,
        f"{len(records):,}",
        *(f"{counts[outcome]:,}" for outcome in shown),
        f"{others:,}",
        f"{max(record['mb'] for record in records):,}",
        f"{max(record['ms'] for record in records):,.0f}",
    )
