"""``cnnlab tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnlab.cli import training_options as options
from cnnlab.cli.options import (
    Formats,
    Json,
    Offline,
    Overrides,
    RunsFolder,
    go_offline,
    wanted_formats,
)
from cnnlab.cli.output import note, print_result
from cnnlab.errors import ConfigError

if TYPE_CHECKING:
    from cnnlab.sweeps import Budget, EngineSettings
    from cnnlab.training.events import Event


def tune(
    space: Annotated[
        Path | None, typer.Argument(metavar="SPACE", help="A YAML file: what is searched.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on with a sweep that was cut off.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="TIME", help="For all of it, e.g. 30m, confirmation too.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help="The same in minutes.", min=0)
    ] = None,
    trials: Annotated[
        int | None, typer.Option(metavar="N", help="Of the search; trial 0 is the base.")
    ] = None,
    sampler: Annotated[str | None, typer.Option(help="tpe, random or grid.")] = None,
    pruner: Annotated[str | None, typer.Option(help="halving, median or none.")] = None,
    prune_after: Annotated[
        str | None,
        typer.Option(metavar="N|TIME", help="Compare every N epochs (1), or TIME of training."),
    ] = None,
    reduction: Annotated[
        int | None, typer.Option(metavar="N", help="halving: one in N goes on (3).")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="accuracy or loss, on validation.")] = None,
    search_seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Of what the sampler draws (0).")
    ] = None,
    confirm: Annotated[
        int | None, typer.Option(metavar="K", help="Train the best K again on fresh seeds (3).")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", help="Fresh seeds of each (3); 0: none.")
    ] = None,
    model: options.Model = None,
    data: options.Data = None,
    init: options.Init = None,
    freeze: options.Freeze = None,
    recipe: options.Recipe = None,
    config: options.Config = None,
    epochs: Annotated[str | None, typer.Option(metavar="N", help="Epochs (of each stage).")] = None,
    batch_size: options.BatchSize = None,
    lr: Annotated[str | None, typer.Option(metavar="RATE", help="The base's rate.")] = None,
    optimizer: options.Optimizer = None,
    seed: options.Seed = None,
    split_seed: options.SplitSeed = None,
    image_size: options.ImageSize = None,
    device: options.Device = None,
    precision: options.Precision = None,
    overrides: Overrides = None,
    name: Annotated[str | None, typer.Option(help="The sweep's name (SPACE's).")] = None,
    sweeps: Annotated[Path, typer.Option("--sweeps", help="The folder that holds sweeps.")] = Path(
        "sweeps"
    ),
    runs: RunsFolder = Path("runs"),
    formats: Formats = None,
    executor: options.ExecutorName = None,
    workers: options.Workers = None,
    address: options.Address = None,
    gpus: options.Gpus = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Search for a better configuration within a time, and confirm the best on fresh seeds.

    Judged on validation; test stays closed. Type the same command again to go on after a kill.
    """
    arguments = {**locals(), "name": None}  # which is the sweep's
    go_offline(offline)
    asked = options.asked_for(arguments, overrides=overrides)
    limits = {"seconds": _time(time, minutes), "trials": trials, "confirm": confirm, "seeds": seeds}
    budget = {key: value for key, value in limits.items() if value is not None}
    how = {
        "sampler": sampler,
        "pruner": pruner,
        "prune_after": prune_after,
        "reduction": reduction,
        "objective": objective,
        "seed": search_seed,
    }
    chosen = {key: value for key, value in how.items() if value is not None}
    if (space is None) == (resume is None):
        raise ConfigError(
            "one of SPACE and --resume says which sweep",
            expected="cnnlab tune SPACE ..., or cnnlab tune --resume NAME",
        )
    other = chosen or name or asked["settings"] or recipe or config or overrides
    if resume is not None and other:
        raise ConfigError(
            "--resume goes on with the sweep's own settings",
            expected="only --time, --trials, --confirm, --seeds and who trains beside it",
        )
    _run(
        {
            "space": space,
            "resume": resume,
            "name": name,
            "sweeps": sweeps,
            "runs": runs,
            "formats": wanted_formats(formats),
        },
        asked,
        chosen,
        budget,
        (executor, workers, address, gpus),
        as_json=as_json,
    )


def _run(
    what: dict[str, Any],
    asked: dict[str, Any],
    chosen: dict[str, Any],
    budget: dict[str, Any],
    who: tuple[str | None, int | None, str | None, float | None],
    *,
    as_json: bool,
) -> None:
    from cnnlab.cli.sweep_display import SweepDisplay
    from cnnlab.training.events import unwatched
    from cnnlab.workflows.tune import resume_sweep
    from cnnlab.workflows.tune import tune as run_sweep

    trains = options.executor_for(*who, watch=unwatched)
    with SweepDisplay() as display:
        if what["resume"] is not None:
            done = resume_sweep(
                what["resume"],
                sweeps=what["sweeps"],
                budget=budget,
                formats=what["formats"],
                executor=trains,
                watch=display,
            )
        else:
            done = run_sweep(
                what["space"],
                name=what["name"],
                sweeps=what["sweeps"],
                runs=what["runs"],
                search=_search(chosen),
                budget=_budget(budget),
                formats=what["formats"],
                executor=trains,
                watch=display,
                notice=_notice,
                **asked,
            )
    print_result(done, as_json)


def _time(time: str | None, minutes: float | None) -> float | None:
    from cnnlab.settings import parse_duration

    if time is not None and minutes is not None:
        raise ConfigError("--time and --minutes say the same", expected="one of them")
    if minutes is not None:
        return parse_duration(60 * minutes, where="--minutes")
    return None if time is None else parse_duration(time, where="--time")


def _search(chosen: dict[str, Any]) -> EngineSettings:
    from cnnlab.sweeps import EngineSettings, parse_pace

    given = dict(chosen)
    pace = given.pop("prune_after", None)
    if pace is not None:
        given["pace"] = parse_pace(pace)
    return EngineSettings(**given)


def _budget(given: dict[str, Any]) -> Budget:
    from cnnlab.sweeps import Budget

    return Budget(**given)


def _notice(event: Event) -> None:
    from cnnlab.training.events import Notice

    if isinstance(event, Notice):
        note(event.text)
