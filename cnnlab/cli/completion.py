"""``cnnlab completion``, and what the scripts that it prints ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from cnnlab.cli.options import Json
from cnnlab.cli.output import print_json, print_text

__all__ = ["ASKED", "answer", "completion"]

#: Where a script says which shell asks; the words up to the cursor are the arguments.
ASKED = "_CNNLAB_COMPLETE"

_BASH = """\
# Completion of cnnlab for bash 4.4 or later.
_cnnlab() {
    local IFS=$'\\n'
    COMPREPLY=( $(_CNNLAB_COMPLETE=bash "${1/#\\~/$HOME}" \\
        "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) )
    if [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace
    fi
}
complete -o default -F _cnnlab cnnlab"""

_ZSH = """\
#compdef cnnlab
# Completion of cnnlab for zsh.
_cnnlab() {
    local -a answers
    answers=("${(@f)$(_CNNLAB_COMPLETE=zsh "${words[1]/#\\~/$HOME}" \\
        "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
    answers=("${(@)answers:#}")
    if (( ${#answers} )); then
        _describe -t answers cnnlab answers
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == _cnnlab ]]; then
    _cnnlab "$@"
else
    compdef _cnnlab cnnlab
fi"""

_FISH = """\
# Completion of cnnlab for fish 3 or later.
function __cnnlab_answers
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l answers (env _CNNLAB_COMPLETE=fish $before[1] $before[2..-1] "$current" 2>/dev/null)
    if test (count $answers) -gt 0
        printf '%s\\n' $answers
    else
        __fish_complete_path "$current"
    end
end
complete --command cnnlab --no-files --arguments '(__cnnlab_answers)'"""


class _Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS = {_Shell.BASH: _BASH, _Shell.ZSH: _ZSH, _Shell.FISH: _FISH}


def completion(
    shell: Annotated[_Shell, typer.Argument(help="The shell to write it for.")],
    as_json: Json = False,
) -> None:
    """Print what lets a shell complete what is typed.

    A script that completes verbs, options, models, data and runs. For bash:
    cnnlab completion bash > ~/.local/share/bash-completion/completions/cnnlab
    """
    if as_json:
        print_json({"shell": shell.value, "script": _SCRIPTS[shell]})
    else:
        print_text(_SCRIPTS[shell])


def answer(app: typer.Typer, shell: str, words: Sequence[str]) -> None:
    """Print what may stand where the cursor is, in the form that a shell's script takes.

    ``words`` are those behind the program's name, the last one as far as it is typed. Whatever
    goes wrong, a shell gets no answer rather than an error in the middle of a line.
    """
    from cnnlab.cli.completing import answers

    try:
        found = answers(typer.main.get_command(app), words)
    except Exception as error:  # told to nobody but who looks for it
        if os.environ.get("CNNLAB_TRACEBACK"):
            sys.stderr.write(f"{error!r}\n")
        return
    lines = []
    for value, meaning in found:
        said = " ".join(meaning.split())
        if shell == _Shell.ZSH:
            lines.append(f"{value.replace(':', chr(92) + ':')}:{said}" if said else value)
        elif shell == _Shell.FISH:
            lines.append(f"{value}\t{said}" if said else value)
        else:
            lines.append(value)
    if lines:
        print_text("\n".join(lines))
