"""The document of a sweep: who won, by how much, how much was luck, and which settings mattered."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from cnnlab.evaluation.figures import (
    ConfirmedRow,
    ParallelLine,
    TrialPoint,
    confirmation_figure,
    importance_bars,
    parallel_coordinates,
    sweep_history,
)
from cnnlab.reports.document import (
    Block,
    Code,
    Document,
    Figure,
    Heading,
    ItemList,
    KeyFigure,
    KeyFigures,
    Note,
    Paragraph,
    Table,
)
from cnnlab.reports.sweep_record import CandidateRow, SweepRecord, TrialRow
from cnnlab.reports.sweep_words import SweepWords
from cnnlab.reports.wording import ABSENT, count, duration, plural

__all__ = ["build_sweep"]


def build_sweep(record: SweepRecord) -> Document:
    """Findings first, then the confirmation, the search, what mattered, and the method."""
    words = SweepWords(accuracy=record.accuracy)
    blocks: list[Block] = [
        Heading("What was found"),
        _key_figures(record, words),
        *_findings(record, words),
        Paragraph("Train the winner:"),
        Code(record.train),
        *_confirmation(record, words),
        *_search(record, words),
        *_importance(record),
        Heading("Every trial"),
        _trials(record, words),
        Heading("Method"),
        Paragraph(words.method(importance=record.importance is not None)),
        Table.of(["Setting", "Value"], record.facts, "What was asked for.", text_columns=(0, 1)),
        Paragraph("The same again, or on from here:"),
        Code(record.again),
    ]
    return Document(
        title=f"Sweep {record.name}",
        subtitle=f"{plural(len(record.trials), 'trial')} on {record.data}, judged on "
        f"{count(record.images)} validation images; test stays closed",
        blocks=tuple(blocks),
        footer=f"Written by cnnlab {version('cnnlab')}.",
    )


def _candidate(record: SweepRecord, trial: int) -> CandidateRow | None:
    return next((one for one in record.candidates if one.trial == trial), None)


def _trial(record: SweepRecord, number: int) -> TrialRow:
    return next(row for row in record.trials if row.number == number)


def _key_figures(record: SweepRecord, words: SweepWords) -> KeyFigures:
    winner = _candidate(record, record.winner)
    value: float | None
    if winner is not None and winner.mean is not None:
        value, detail = winner.mean, f"mean of {plural(len(winner.fresh), 'fresh seed')}"
    else:
        value, detail = _trial(record, record.winner).value, "in the search"
    figures = [KeyFigure(f"Winner: {words.name(record.winner)}", words.value(value), detail)]
    if record.improvement is not None:
        mean, low, high, _ = record.improvement
        interval = f"95% interval {words.change(low)} to {words.change(high)}"
        figures.append(KeyFigure("Against the base configuration", words.change(mean), interval))
    best = _candidate(record, record.best)
    if best is not None and best.shift is not None:
        detail = f"{words.name(record.best)}: search minus fresh seeds"
        figures.append(KeyFigure("Luck in the best trial", words.change(best.shift), detail))
    figures.append(KeyFigure("Time", duration(record.seconds), plural(len(record.trials), "trial")))
    return KeyFigures(tuple(figures))


def _findings(record: SweepRecord, words: SweepWords) -> list[Block]:
    winner, best = _candidate(record, record.winner), _candidate(record, record.best)
    said: list[str] = []
    if winner is not None and winner.mean is not None:
        said.append(words.winner(winner.trial, winner.mean, winner.interval, len(winner.fresh)))
        said.append(words.improvement(record.winner, record.improvement))
    if best is not None and best.mean is not None and best.searched is not None:
        said.append(words.luck(record.best, best.searched, best.mean))
    values = zip(record.keys, _trial(record, record.winner).values, strict=True)
    said.append("Its values: " + ", ".join(f"{key} = {value}" for key, value in values) + ".")
    blocks: list[Block] = [ItemList(tuple(said))]
    if not record.confirmed:
        blocks.insert(0, Note(words.unconfirmed(record.winner)))
    return blocks


def _confirmation(record: SweepRecord, words: SweepWords) -> list[Block]:
    rows = [one for one in record.candidates if one.mean is not None]
    if not rows:
        return []
    drawn = [
        ConfirmedRow(words.name(one.trial), one.searched, one.fresh, one.mean, one.interval)
        for one in rows
        if one.mean is not None
    ]
    said = "; ".join(
        f"{row.name}: {words.value(row.searched)} in the search, "
        f"{words.value(row.mean)} on fresh seeds"
        for row in drawn
    )
    return [
        Heading("On fresh seeds"),
        _confirmed_table(rows, record.objective, words),
        Figure(
            name="sweep-confirmation",
            svg=confirmation_figure(drawn, scale=record.scale).svg(),
            alt=f"{said}.",
            caption="Each candidate's figure in the search beside fresh seeds and their mean with "
            "its 95% interval.",
        ),
    ]


def _confirmed_table(rows: Sequence[CandidateRow], objective: str, words: SweepWords) -> Table:
    cells = [
        [
            words.name(one.trial),
            words.value(one.searched),
            str(len(one.fresh)),
            words.value(one.mean),
            words.spread(one.deviation),
            words.interval(one.interval),
            words.change(one.shift),
        ]
        for one in rows
    ]
    header = ["Configuration", "In the search", "Seeds", "Mean", "sd", "95% interval"]
    return Table.of(
        [*header, "Search minus mean"],
        cells,
        f"The best trials and the base configuration, trained anew with seeds that had no part "
        f"in the search; validation {objective}.",
    )


def _search(record: SweepRecord, words: SweepWords) -> list[Block]:
    finished = sum(row.state == "finished" for row in record.trials)
    points = [TrialPoint(row.number, row.value, row.state == "finished") for row in record.trials]
    best = _trial(record, record.best)
    blocks: list[Block] = [
        Heading("The search"),
        Paragraph(words.states([row.state for row in record.trials])),
        Figure(
            name="sweep-history",
            svg=sweep_history(points, scale=record.scale).svg(),
            alt=f"Validation {record.objective} of {plural(len(points), 'trial')}; the best is "
            f"{words.name(best.number)} with {words.value(best.value)}.",
            caption="Trial after trial, and the best so far.",
        ),
    ]
    if finished:
        lines = [
            ParallelLine(row.places, row.value, row.state == "finished", row.chosen)
            for row in record.trials
        ]
        blocks.append(
            Figure(
                name="sweep-parallel",
                svg=parallel_coordinates(record.axes, lines, scale=record.scale).svg(),
                alt=f"Parallel coordinates of {', '.join(record.keys)}: one line a trial, coloured "
                f"by validation {record.objective}.",
                caption="Every trial as a line over the settings. What was stopped early is grey; "
                "what was trained on fresh seeds has a wide line behind it.",
            )
        )
    return blocks


def _importance(record: SweepRecord) -> list[Block]:
    if record.importance is None:
        return []
    shares, trials = record.importance
    said = ", ".join(f"{key} {100 * share:.0f}%" for key, share in shares.items())
    return [
        Heading("Which settings mattered"),
        Figure(
            name="sweep-importance",
            svg=importance_bars(shares).svg(),
            alt=f"Importance of settings: {said}.",
            caption=f"How much of the objective's variance over the space each setting explains by "
            f"itself, by fANOVA on the {plural(trials, 'trial')} of the space that were trained to "
            "their end, scaled to a sum of 100%.",
        ),
    ]


def _trials(record: SweepRecord, words: SweepWords) -> Table:
    header = ["Trial", *record.keys, f"Validation {record.objective}", "Ended", "Epochs", "Time"]
    rows: list[Sequence[str]] = [
        [
            str(row.number),
            *row.values,
            words.value(row.value) if row.state != "failed" else ABSENT,
            f"{row.state}: {row.said}" if row.said else row.state,
            str(row.epochs),
            duration(row.seconds),
        ]
        for row in record.trials
    ]
    return Table.of(
        header,
        rows,
        "Trial 0 is the base configuration. Of what was stopped early, the best figure until then.",
        text_columns=(*range(1, len(record.keys) + 1), len(record.keys) + 2),
        compact=True,
    )
