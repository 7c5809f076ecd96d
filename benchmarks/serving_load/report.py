"""serve.py's records as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.records import Record
from harness.sessions import Section, Spread, document_of

from cnnlab.reports.document import Block, Document, Paragraph, Table
from cnnlab.reports.wording import bytes_text, duration

__all__ = ["KINDS", "build_document"]

KINDS = ("speed", "overload", "hold", "swaps", "schema")
_PLAIN = ("async", "threads")
_GOAL_TIMES, _GOAL_CONNECTIONS = 3, 32


def build_document(records: Sequence[Record]) -> Document:
    """Speed beside the plain handlers, then what too much, long and all at once came to."""
    of = {kind: [record for record in records if record["kind"] == kind] for kind in KINDS}
    sections = [
        Section("Speed", of["speed"], [*_speed(of["speed"])]),
        Section("Five times the capacity", of["overload"], [*_overload(of["overload"])]),
        Section("For long", of["hold"], [*_hold(of["hold"])]),
        Section("All at once", of["swaps"], [*_swaps(of["swaps"])]),
        Section("Made-up requests", of["schema"], [*_schema(of["schema"])]),
    ]
    return document_of("Serving", "How fast, and under what load?", "serve.py", sections)


def _rate(record: Record) -> float:
    return float(record["requests"]) / float(record["seconds"])


def _speed(records: Sequence[Record]) -> Iterable[Block]:
    if not records:
        return
    yield Paragraph(
        "Each request is a form with one PNG of 32 x 32 pixels. cnnlab: cnnlab serve as it is. "
        "async and threads: benchmarks/serve_plain.py, the handler that everybody writes first, "
        "as an async function that decodes and computes where it stands, and as a plain one in "
        "FastAPI's pool of threads; torch takes as many threads there as it takes by itself. "
        "Untrained networks, for weights cost the same. wrk and the server share the machine's "
        "cores, on both sides alike, so that ratios count, not the numbers themselves. The ratio "
        "is of cnnlab's requests a second to those of the faster plain handler in the same round."
    )
    yield Paragraph(
        "A load before it began of more than the number of cores says that other programs ran "
        "beside both sides, which makes every number worse and ratios rough. Where the network "
        "takes nearly all the time, batches gain what torch gains by them and no more: the ratio "
        "is then that of one image at a time to many. " + _verdicts(records)
    )
    keys = dict.fromkeys((one["model"], one["connections"], one["side"]) for one in records)
    yield Table.of(
        ("model", "connections", "side", "requests/s, median", "least to most", "p50, ms",
         "p99, ms", "times the faster plain one", "least to most", "rounds"),
        [_row(records, *key) for key in keys],
        "Requests a second and times to an answer; medians over the rounds.",
        text_columns=(0, 2),
    )  # fmt: skip


def _verdicts(records: Sequence[Record]) -> str:
    """Whether the goal is met, for each model."""
    said = []
    for model in dict.fromkeys(one["model"] for one in records):
        ratios = _ratios(records, model, _GOAL_CONNECTIONS)
        if ratios:
            found = Spread.of(ratios).median
            word = "met" if found >= _GOAL_TIMES else "not met"
            said.append(f"{model} {found:.2f} times ({word})")
    goal = f"The goal is {_GOAL_TIMES} times at {_GOAL_CONNECTIONS} connections"
    return f"{goal}: {', '.join(said)}." if said else f"{goal}."


def _ratios(records: Sequence[Record], model: str, connections: int) -> list[float]:
    """cnnlab's requests a second over those of the faster plain handler, round by round."""
    here = [one for one in records if (one["model"], one["connections"]) == (model, connections)]
    ratios = []
    for own in (one for one in here if one["side"] == "cnnlab"):
        plain = [
            _rate(one) for one in here if one["round"] == own["round"] and one["side"] in _PLAIN
        ]
        if plain:
            ratios.append(_rate(own) / max(plain))
    return ratios


def _row(records: Sequence[Record], model: str, connections: int, side: str) -> tuple[str, ...]:
    here = [one for one in records if (one["model"], one["connections"]) == (model, connections)]
    own = [one for one in here if one["side"] == side]
    ratios = _ratios(records, model, connections) if side == "cnnlab" else []
    return (
        model,
        str(connections),
        side,
        *Spread.of([_rate(one) for one in own]).cells(",.0f"),
        *(Spread.of([one[key] for one in own]).cells(",.1f", 1e3)[0] for key in ("p50", "p99")),
        *(Spread.of(ratios).cells(".2f") if ratios else ("-", "-")),
        str(len(own)),
    )


def _overload(records: Sequence[Record]) -> Iterable[Block]:
    for one in records:
        shares = ", ".join(f"{count:,} times {code}" for code, count in one["statuses"].items())
        yield Paragraph(
            f"{one['connections']} connections of wrk, which ask again as soon as they are "
            f"answered, and a queue of {one['queue']} images ({one['model']}): {shares}, "
            f"{one['socket_errors']} connections that failed and {one['timeouts']} that waited "
            f"for longer than 30 s, in {one['seconds']:.0f} s. Memory of all processes before and "
            f"after: {bytes_text(one['memory_before'])} and {bytes_text(one['memory_after'])}."
        )


def _hold(records: Sequence[Record]) -> Iterable[Block]:
    for one in records:
        yield Paragraph(
            f"{one['connections']} connections for {duration(one['seconds'])} "
            f"({one['model']}): {one['requests']:,} requests, statuses {_codes(one)}. Memory of "
            f"all processes together, after the first tenth: {bytes_text(one['memory_least'])} to "
            f"{bytes_text(one['memory_most'])}, with a trend of "
            f"{one['memory_slope'] / 2**20:+.2f} MiB a minute; {len(one['samples'])} samples of "
            "proportional set sizes."
        )


def _swaps(records: Sequence[Record]) -> Iterable[Block]:
    for one in records:
        yield Paragraph(
            f"{one['images']:,} different images by up to 200 connections at once "
            f"({one['model']}): {one['swapped']} answers were nearer to what another image has to "
            "get than to what theirs has, and the largest difference of a probability to that of "
            f"evaluation's own path was {one['largest_difference']:.1g}."
        )


def _schema(records: Sequence[Record]) -> Iterable[Block]:
    for one in records:
        total = sum(one["statuses"].values())
        yield Paragraph(
            f"{total:,} requests that schemathesis made up from the server's OpenAPI description, "
            f"valid ones and others, over {one['operations']} operations: every answer had a "
            f"status, a type, headers and a form as described; statuses {_codes(one)}."
        )


def _codes(one: Record) -> str:
    return ", ".join(f"{code} ({count:,} times)" for code, count in one["statuses"].items())
