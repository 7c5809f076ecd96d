"""``cnnlab VERB``: every verb is a short file of this folder."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated, Any

import typer

from cnnlab.cli import (
    ablate,
    audit,
    card,
    compare,
    completion,
    data,
    diagnose,
    doctor,
    evaluate,
    explain,
    export,
    find_lr,
    import_keras,
    models,
    predict,
    quickstart,
    report,
    reproduce,
    robustness,
    runs,
    serve,
    track,
    train,
    tune,
    ui,
)
from cnnlab.cli.output import check_output, note, prefer_utf8, prepare_streams, print_text
from cnnlab.cli.sections import VerbGroup
from cnnlab.errors import CnnlabError

__all__ = ["app", "main"]

#: typer brings its own click along, whose error classes it exports through this one alone.
_USAGE_ERROR: Any = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="cnnlab",
    cls=VerbGroup,
    help="Train, evaluate, compare and report convolutional networks for small images.",
    epilog="Options of a verb: cnnlab VERB --help. See it work: cnnlab quickstart",
    no_args_is_help=True,
    add_completion=False,  # `cnnlab completion` prints the scripts, and writes to no file
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print_text(f"cnnlab {version('cnnlab')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Say which.")
    ] = False,
) -> None:
    pass


app.command("quickstart")(quickstart.quickstart)
app.add_typer(data.app, name="data")
app.command("audit")(audit.audit)
app.command("models")(models.models)
app.command("summary")(models.summary)
app.command("find-lr")(find_lr.find_lr)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("diagnose")(diagnose.diagnose)
app.command("robustness")(robustness.robustness)
app.command("predict")(predict.predict)
app.command("explain")(explain.explain)
app.command("report")(report.report)
app.command("card")(card.card)
app.command("track")(track.track)
app.command("export")(export.export)
app.command("import-keras")(import_keras.import_keras)
app.command("reproduce")(reproduce.reproduce)
app.command("ablate")(ablate.ablate)
app.command("serve")(serve.serve)
app.add_typer(runs.app, name="runs")
app.command("ui")(ui.ui)
app.command("doctor")(doctor.doctor)
app.command("completion")(completion.completion)


def _call(arguments: list[str] | None) -> object:
    try:
        given = sys.argv[1:] if arguments is None else arguments
        return app(args=arguments, standalone_mode=False, obj=given)
    except OSError:
        check_output()  # typer prints the help itself; was it that?
        raise


def _run(arguments: list[str] | None) -> int:
    try:
        code = _call(arguments)
    except _USAGE_ERROR as error:
        said = error.format_message().replace("Value error, ", "")  # pydantic's, within typer
        # No verb at all is answered with the help, as it is.
        note(said if said.startswith("Usage:") else f"cnnlab: {' '.join(said.split())}")
        return 2
    except CnnlabError as error:
        note(f"cnnlab: {error}")
        return error.exit_code
    except UnicodeEncodeError as error:
        if error.encoding.startswith("utf") or error.encoding != sys.getfilesystemencoding():
            raise
        note(
            f"cnnlab: {error.object!a}: this locale ({error.encoding}) has no such letters; "
            "set LC_ALL to a UTF-8 locale, or PYTHONUTF8=1"
        )
        return 2
    except (KeyboardInterrupt, typer.Abort):
        note("cnnlab: interrupted")
        return 130
    return code if isinstance(code, int) else 0


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    if arguments is None:
        prefer_utf8()
    prepare_streams()
    if completion.ASKED in os.environ:
        words = sys.argv[1:] if arguments is None else arguments
        completion.answer(app, os.environ[completion.ASKED], words)
        sys.exit(0)
    try:
        code = _run(arguments)
    except Exception as error:
        # A bug of ours: one line for the user, the whole story for who reports it.
        if os.environ.get("CNNLAB_TRACEBACK"):
            traceback.print_exc()
        note(
            f"cnnlab: unexpected {type(error).__name__}: {' '.join(str(error).split())}; "
            "this is a bug, please report it with what CNNLAB_TRACEBACK=1 shows"
        )
        code = 3
    sys.exit(code)
