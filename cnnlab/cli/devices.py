"""One training as several processes: what ``--devices`` and torchrun ask of the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from cnnlab.errors import CnnlabError, ConfigError, DivergedError, Interrupted, RankError
from cnnlab.ranks import LOST, RENDEZVOUS, World, joined, launched, rank_errors

__all__ = ["Devices", "check_devices", "on_devices"]

_MOST = 1024

Devices = Annotated[
    str | None,
    typer.Option(
        "--devices",
        metavar="N",
        help="Train in N processes of this machine: a GPU each, or a part of its cores.",
    ),
]


def check_devices(devices: str | None, seeds: str | None) -> int:
    """In how many processes to train; :class:`ConfigError` where that cannot be."""
    ranks, asked = launched(), 1 if devices is None else _number(devices)
    if devices is not None and ranks.size not in (1, asked):
        raise ConfigError(
            f"{asked}, and this is one of {ranks.size} processes",
            where="--devices",
            todo="leave it out: torchrun says how many there are",
        )
    processes = max(asked, ranks.size)
    if processes > 1 and seeds is not None:
        raise ConfigError(
            "--seeds trains one run after the other, each in one process",
            where="--devices" if devices else "torchrun",
            todo="train each by itself, with --seed",
        )
    return processes


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST:
        return int(text)
    raise ConfigError(f"'{text}'", where="--devices", expected=f"a whole number from 1 to {_MOST}")


def on_devices(processes: int, arguments: Sequence[str], work: Callable[[], None]) -> None:
    """Do ``work`` here, in as many processes as started this one, or start so many with it.

    ``arguments`` are those of this command line: every process gets them.
    """
    ranks = launched()
    if processes > ranks.size:
        from cnnlab.training.launch import launch

        code = launch(arguments, processes)
        if code:
            raise typer.Exit(code)
        return
    with joined(ranks):
        if not ranks.leads:
            _follow(ranks)
            return
        try:
            with rank_errors():
                work()
                ranks.tell(None)
        except RankError:
            if RENDEZVOUS in os.environ:  # who started this says it, with which rank has ended
                raise typer.Exit(LOST) from None
            raise


def _follow(ranks: World) -> None:
    """Do as rank 0 does, and say nothing but what it cannot know."""
    from cnnlab.training.following import follow

    try:
        with rank_errors():
            follow(ranks)
    except RankError as error:
        raise typer.Exit(LOST if RENDEZVOUS in os.environ else error.exit_code) from None
    except (Interrupted, DivergedError) as error:
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except CnnlabError as error:
        raise error.within(f"rank {ranks.rank}") from None
