"""What may stand next on a command line: verbs, options and the values of options.

Asked each time somebody presses Tab, so nothing is imported here that takes time: names of models
and recipes are file names, those of runs are folders, all others stand in ``completion_names``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnlab.cli import completion_names as names

__all__ = ["Answer", "answers"]

#: A value and its meaning ("" where there is nothing to say).
Answer = tuple[str, str]

_PACKAGE = Path(__file__).parent.parent
_SEED = re.compile(r"(.+)-seed\d+")

#: Verbs that take the name of a group of seeds for its runs.
_TAKES_GROUPS = ("compare", "diagnose", "report", "track")


@dataclass(frozen=True)
class _Place:
    """Where the cursor is: behind which verb, what is typed of the word, where runs stand."""

    verb: str
    typed: str
    runs: Path


_Values = Callable[[_Place], list[str]]


def answers(root: Any, words: Sequence[str]) -> list[Answer]:
    """What may stand in the place of the last word.

    Parameters
    ----------
    root: the command of the whole program, as click has it.
    words: behind the program's name, the last one as far as it is typed; bash hands an equals
        sign over as a word of its own.

    None where only the user can know, or a file's name is wanted: the shell completes those.
    """
    *before, typed = _without_signs(words) or [""]
    command, rest = _verb(root, before)
    if command is None:
        return []
    if hasattr(command, "commands"):
        return _starting(typed, _options(command) if typed.startswith("-") else _verbs(command))
    option, position, only_arguments = _parse(command, rest)
    place = _Place(str(command.name), typed, _runs_folder(rest))
    if option is not None:
        return _values(command, option, place)
    if typed.startswith("-") and not only_arguments:
        name, sign, part = typed.partition("=")
        if not sign:
            return _starting(typed, _options(command))
        found = _by_name(command).get(name)
        inner = _Place(place.verb, part, place.runs)
        said = [] if found is None else _values(command, found, inner)
        return [(f"{name}={value}", meaning) for value, meaning in said]
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    at = min(position, len(arguments) - 1)
    if at < 0 or (position > at and arguments[at].nargs != -1):
        return []
    return _values(command, arguments[at], place)


def _without_signs(words: Sequence[str]) -> list[str]:
    """``--split = test`` as ``--split test``; a sign that is being typed is an empty word."""
    kept: list[str] = []
    for place, word in enumerate(words):
        sign = word == "=" and place > 0 and words[place - 1].startswith("--")
        if not sign:
            kept.append(word)
        elif place == len(words) - 1:
            kept.append("")
    return kept


def _verb(root: Any, words: Sequence[str]) -> tuple[Any | None, list[str]]:
    """The innermost command that the words name, and the words behind it."""
    command, rest = root, list(words)
    while rest and hasattr(command, "commands"):
        word = rest.pop(0)
        if not word.startswith("-"):
            command = command.commands.get(word)
    return command, rest


def _by_name(command: Any) -> dict[str, Any]:
    """The options by all their names."""
    return {
        name: param
        for param in command.params
        if param.param_type_name == "option"
        for name in (*param.opts, *param.secondary_opts)
    }


def _parse(command: Any, words: Sequence[str]) -> tuple[Any | None, int, bool]:
    """The option that waits for a value, how many arguments stand, whether ``--`` did."""
    waiting: Any | None = None
    options, position, only_arguments = _by_name(command), 0, False
    for word in words:
        if waiting is not None:
            waiting = None
        elif word == "--":
            only_arguments = True
        elif word.startswith("-") and not only_arguments:
            found = options.get(word)
            waiting = found if found is not None and not found.is_flag else None
        else:
            position += 1
    return waiting, position, only_arguments


def _verbs(group: Any) -> list[Answer]:
    return [
        (name, command.get_short_help_str(70))
        for name, command in group.commands.items()
        if not command.hidden
    ]


def _options(command: Any) -> list[Answer]:
    """Options by their long names."""
    said = [
        (max(param.opts, key=len), param.help or "")
        for param in command.params
        if param.param_type_name == "option" and not param.hidden
    ]
    return [*said, ("--help", "Say what it does and what it takes.")]


def _starting(typed: str, found: Sequence[Answer]) -> list[Answer]:
    return [said for said in found if said[0].startswith(typed)]


def _values(command: Any, param: Any, place: _Place) -> list[Answer]:
    """What an option or argument takes: its choices, or what is known of its name or metavar."""
    context = command.context_class(command, info_name=command.name)  # parses nothing
    choices = [item for item in param.shell_complete(context, place.typed) if item.type == "plain"]
    if choices:
        return [(str(item.value), "") for item in choices]
    metavar = str(param.metavar or "")
    for name in (max(param.opts, key=len), metavar):
        for key in (f"{place.verb} {name}", f"{name} {metavar}", name):
            if key in _KNOWN:
                return _of_known(_KNOWN[key], place)
    return []


def _of_known(values: _Values | tuple[str, ...], place: _Place) -> list[Answer]:
    found = list(values) if isinstance(values, tuple) else values(place)
    return _starting(place.typed, [(value, "") for value in sorted(found)])


def _files(folder: str) -> list[str]:
    """Names of the package's YAML files in a folder."""
    entries = os.listdir(_PACKAGE / folder)  # noqa: PTH208 - a path each is what takes the time
    return [entry.removesuffix(".yaml") for entry in entries if entry.endswith(".yaml")]


def _models(_: _Place) -> list[str]:
    return _files("models/zoo")


def _recipes(_: _Place) -> list[str]:
    return _files("recipes")


def _recipes_and_models(place: _Place) -> list[str]:
    return [*_recipes(place), *_models(place)]


def _runs(place: _Place) -> list[str]:
    """The runs' names; where they are taken, those of groups of seeds, too."""
    try:
        with os.scandir(place.runs) as entries:
            found = [
                entry.name
                for entry in entries
                if entry.name[0] != "." and Path(entry.path, "config.yaml").exists()
            ]
    except OSError:
        return []
    if place.verb in _TAKES_GROUPS:
        found += {seed[1] for name in found if (seed := _SEED.fullmatch(name))}
    return found


def _runs_folder(words: Sequence[str]) -> Path:
    """What ``--runs`` says, else ``runs``."""
    for place, word in enumerate(words):
        option, sign, value = word.partition("=")
        said = value if sign else "".join(words[place + 1 : place + 2])
        if option == "--runs" and (sign or said):
            from cnnlab.files import expanded

            return expanded(said)
    return Path("runs")


def _listed(*values: str) -> _Values:
    """Values with commas between them."""

    def complete(place: _Place) -> list[str]:
        given, comma, _ = place.typed.rpartition(",")
        left = [value for value in values if value not in given.split(",")]
        return [f"{given}{comma}{value}" for value in left]

    return complete


#: What takes what: by "VERB NAME", "NAME METAVAR" or NAME, an option's or a metavar.
_KNOWN: dict[str, _Values | tuple[str, ...]] = {
    "RUN": _runs,
    "RUN...": _runs,
    "RUN|BUNDLE": _runs,
    "--resume RUN": _runs,
    "--init": _runs,
    "--run": _runs,
    "MODEL": _models,
    "--model": _models,
    "DATA": names.DATASETS,
    "NAME|PATH": names.DATASETS,
    "fetch NAME": names.DATASETS,
    "--data": names.DATASETS,
    "--fashion": names.DATASETS,
    "--recipe": _recipes,
    "RECIPE-OR-MODEL": _recipes_and_models,
    "--optimizer": names.OPTIMIZERS,
    "--device": names.DEVICES,
    "--executor": names.EXECUTORS,
    "--precision": ("auto", "bf16", "fp32"),
    "--freeze": ("features", "none"),
    "--engine": ("auto", "onnx", "torch"),
    "--set": names.SETTINGS,
    "--to NAME": names.TRACKERS,
    "--track": names.TRACKERS,
    "--license": names.LICENSES,
    "--method": _listed("all", "grad-cam", "layer-cam", "nearest", "occlusion"),
    "--checks": _listed("balance", "drift", "duplicates", "images", "label-errors"),
    "report --format": _listed("html", "md", "pdf"),
}
