"""``cnnlab doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import DeviceWithDefault, Json, RunsFolder
from cnnlab.cli.output import note, print_result
from cnnlab.errors import CheckFailed, ConfigError


def doctor(
    device: DeviceWithDefault = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="Measure no speed.")] = False,
    verify_resume: Annotated[
        bool,
        typer.Option(
            "--verify-resume",
            help="Instead: kill a small training again and again; does it end the same?",
        ),
    ] = False,
    runs: RunsFolder = Path("runs"),
    as_json: Json = False,
) -> None:
    """Say what this machine is, and what is chosen on it.

    Device, precision, threads and memory, why, and how fast it is.
    """
    if verify_resume:
        if device != "auto" or quick:
            raise ConfigError(
                "--verify-resume takes device and time as they come",
                expected="neither --device nor --quick beside it",
            )
        _verify_resume(as_json)
        return
    from cnnlab.workflows.doctor import doctor as diagnose

    found = diagnose(runs=runs, device=device, measure=not quick)
    print_result(found, as_json)


def _verify_resume(as_json: bool) -> None:
    from cnnlab.workflows.verify_resume import verify_resume

    found = verify_resume(say=note)
    print_result(found, as_json)
    if not found.exact:
        raise CheckFailed(
            "a training that was killed and resumed ended otherwise than one that was not",
            todo="report it, with what --json prints",
        )
