"""``cnnlab audit``."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import (
    DataName,
    DeviceWithDefault,
    HowToRead,
    ImageSide,
    Json,
    Offline,
    RunsFolder,
    go_offline,
)
from cnnlab.cli.output import print_result
from cnnlab.errors import CheckFailed, ConfigError, UnknownNameError


def audit(
    name: DataName,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="RUN", help="Its split, and its accuracy with and without copies."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the report goes (audits/ and the data's name)."),
    ] = None,
    checks: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Only these: images, duplicates, label-errors, balance, drift."
        ),
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Exit 1 where there are such: broken-images, odd-images, duplicates, "
            "duplicates-across, label-conflicts, label-errors, missing-classes, drift.",
        ),
    ] = None,
    time_limit: Annotated[
        str, typer.Option(metavar="TIME", help="For the networks that judge labels, together.")
    ] = "2m",
    folds: Annotated[int, typer.Option(metavar="K", help="So many networks judge labels.")] = 4,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="How to train them, instead of what fits.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the folds, and of training.")] = 0,
    device: DeviceWithDefault = "auto",
    image_size: ImageSide = None,
    runs: RunsFolder = Path("runs"),
    overrides: HowToRead = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Look for copies, wrong labels, broken images, drift.

    Copies within and across parts, exact and near; class balance, too. It writes a page that shows
    the images, and changes nothing.
    """
    from cnnlab.cli.progress import TrainingDisplay
    from cnnlab.evaluation.audit.findings import CHECKS, PROBLEMS
    from cnnlab.runs import open_run
    from cnnlab.settings import parse_duration
    from cnnlab.workflows.audit import TrainingPlan, audit_into

    go_offline(offline)
    wanted = _chosen(checks, CHECKS, "--checks") if checks is not None else CHECKS
    failures = _chosen(fail_on or "", PROBLEMS, "--fail-on")
    _check_looked_for(failures, wanted)
    limit = parse_duration(time_limit, where="--time-limit")
    with TrainingDisplay() as display:
        done = audit_into(
            out,
            name,
            run=None if run is None else open_run(run, runs=runs),
            checks=wanted,
            plan=TrainingPlan(folds, limit, recipe, seed, device),
            settings={} if image_size is None else {"image_size": image_size},
            overrides=overrides or [],
            watch=display,
        )
    print_result(done, as_json)
    _fail_on(failures, done.findings.counts())


def _check_looked_for(problems: Iterable[str], checks: Container[str]) -> None:
    """Refuse a gate that could let everything pass."""
    from cnnlab.evaluation.audit.findings import CHECK_OF

    for problem in problems:
        if CHECK_OF[problem] not in checks:
            raise ConfigError(
                f"{problem} is not looked for",
                where="--fail-on",
                todo=f"add {CHECK_OF[problem]} to --checks, or leave --checks out",
            )


def _fail_on(problems: Sequence[str], counts: Mapping[str, int]) -> None:
    """Raise :class:`CheckFailed` where there are such, or where that is not known."""
    unseen = [problem for problem in problems if problem not in counts]
    if unseen:
        raise CheckFailed(
            f"not looked for: {', '.join(unseen)}",
            where="--fail-on",
            todo="see above why it was not done",
        )
    found = [f"{counts[problem]:,} {problem}" for problem in problems if counts[problem]]
    if found:
        raise CheckFailed(f"found {', '.join(found)}", where="audit")


def _chosen(text: str, known: Iterable[str], option: str) -> Sequence[str]:
    """Names between commas, each a known one."""
    from cnnlab.registry import suggestion

    names = [name for name in (part.strip() for part in text.split(",")) if name]
    for name in names:
        if name not in known:
            raise UnknownNameError(
                f"nothing is called '{name}'", where=option, todo=suggestion(name, list(known))
            )
    return names
