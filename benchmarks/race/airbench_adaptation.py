"""Fits cifar10-airbench's script, as the user has it, to this machine: rules on its syntax tree.

Nothing of the script stands here but the names by which a rule finds its place. A rule that does
not find exactly what it looks for is an error: the script is then another one than these rules
were made for, and a training by it would not be airbench's.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from cnnlab.errors import DataError
from race.airbench_settings import AirbenchSettings

__all__ = ["PEER", "adapted", "redirected"]

#: Under this name the adapted script finds what stands in for CUDA, files and half precision.
PEER = "_airbench_peer"

_EXPECTED = "airbench94_muon.py of KellerJordan/cifar10-airbench, as of March 2025"
#: What the runner calls, or wraps.
_CALLED = ("CifarLoader", "CifarNet", "evaluate", "main", "print_training_details")

#: New numbers for those that stand in the script.
Change = Callable[[list[float]], Sequence[float]]


@dataclass(frozen=True)
class Rule:
    """One adaptation.

    Attributes
    ----------
    what: what it looks for, as an error names it.
    places: in how many places that must be.
    apply: changes the tree and returns how many places it found.
    """

    what: str
    places: int
    apply: Callable[[ast.Module], int]


def adapted(script: Path, settings: AirbenchSettings) -> CodeType:
    """Return the script's code with the settings in it and without CUDA.

    It takes what it needs from an object called :data:`PEER`; see ``airbench_worker.py``.
    Raises :class:`DataError` where the script is not as expected.
    """
    return _changed(script, _rules(settings))


def redirected(script: Path) -> CodeType:
    """Return the script's code as it is, for CUDA, but for where its images come from.

    These, too, it takes from :data:`PEER`. Raises as :func:`adapted`.
    """
    return _changed(script, _file_rules())


def _changed(script: Path, rules: Iterable[Rule]) -> CodeType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of backslashes in its docstrings
            tree = ast.parse(script.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot be read: {reason}", where=script, expected=_EXPECTED) from None
    except (SyntaxError, ValueError):
        raise DataError("is no Python", where=script, expected=_EXPECTED) from None
    for rule in rules:
        found = rule.apply(tree)
        if found != rule.places:
            raise DataError(
                f"{rule.what}: found {found} times instead of {rule.places}",
                where=script,
                expected=_EXPECTED,
            )
    return compile(ast.fix_missing_locations(tree), str(script), "exec")


def _file_rules() -> Iterator[Rule]:
    yield from map(_defined, _CALLED)
    yield _redirected("torch.load", f"{PEER}.load", places=1)
    yield _redirected("os.path.exists", f"{PEER}.exists", places=1)


def _rules(settings: AirbenchSettings) -> Iterator[Rule]:
    yield from _file_rules()
    yield _undecorated("torch.compile")
    yield _redirected("torch.cuda", f"{PEER}.cuda", places=3)
    yield _cast("CifarLoader.__init__", "half", f"{PEER}.images")
    yield _cast("CifarNet.__init__", "half", f"{PEER}.layer")
    yield _cast("zeropower_via_newtonschulz5", "bfloat16", f"{PEER}.update")

    def given(*values: float | None) -> Change:
        return lambda old: [b if a is None else a for a, b in zip(values, old, strict=True)]

    def at_most(limit: float | None) -> Change:
        return lambda old: old if limit is None else [min(limit, number) for number in old]

    epochs = settings.epochs
    yield _numbers("CifarNet.__init__", "widths", given(*(settings.widths or [None] * 3)), count=3)
    yield _numbers("main", "batch_size", given(settings.batch))
    yield _numbers("main", "total_train_steps", given(epochs))
    # The whitening layer's bias learns for the script's few epochs: where training is shorter
    # than these, its rate too falls to 0 by the end.
    yield _numbers("main", "whiten_bias_train_steps", at_most(epochs))
    yield _numbers("main", "bias_lr", given(settings.bias_lr))
    yield _numbers("main", "head_lr", given(settings.head_lr))
    yield _numbers("main", "optimizer2", given(settings.lr), keyword="lr")


def _scope(tree: ast.Module, path: str) -> ast.ClassDef | ast.FunctionDef | None:
    """The class or function of a dotted path, e.g. "CifarNet.__init__"."""
    body, found = tree.body, None
    for name in path.split("."):
        kinds = (ast.ClassDef, ast.FunctionDef)
        found = next((n for n in body if isinstance(n, kinds) and n.name == name), None)
        if found is None:
            return None
        body = found.body
    return found


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _defined(name: str) -> Rule:
    """Nothing is changed; what is not there cannot be called later."""
    return Rule(f"definition of {name}", 1, lambda tree: int(_scope(tree, name) is not None))


def _undecorated(decorator: str) -> Rule:
    def apply(tree: ast.Module) -> int:
        found = 0
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                kept = [d for d in node.decorator_list if ast.unparse(d) != decorator]
                found += len(node.decorator_list) - len(kept)
                node.decorator_list = kept
        return found

    return Rule(f"decorator {decorator}", 1, apply)


class _Replacer(ast.NodeTransformer):
    """Replaces every expression that ``wanted`` has something else for, and counts them."""

    def __init__(self, wanted: Callable[[ast.expr], ast.expr | None]) -> None:
        self.wanted, self.found = wanted, 0

    def visit(self, node: ast.AST) -> ast.AST:
        new = self.wanted(node) if isinstance(node, ast.expr) else None
        self.found += new is not None
        return self.generic_visit(node if new is None else new)


def _redirected(name: str, new: str, *, places: int) -> Rule:
    """A dotted name becomes another."""

    def wanted(node: ast.expr) -> ast.expr | None:
        matches = isinstance(node, ast.Attribute) and ast.unparse(node) == name
        return _expression(new) if matches else None

    def apply(tree: ast.Module) -> int:
        replacer = _Replacer(wanted)
        replacer.visit(tree)
        return replacer.found

    return Rule(name, places, apply)


def _cast(scope: str, method: str, function: str) -> Rule:
    """``VALUE.method()`` becomes ``function(VALUE)``."""

    def wanted(node: ast.expr) -> ast.expr | None:
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=name), args=[], keywords=[]):
                call = ast.Call(_expression(function), [value], [])
                return ast.copy_location(call, node) if name == method else None
        return None

    def apply(tree: ast.Module) -> int:
        place = _scope(tree, scope)
        replacer = _Replacer(wanted)
        if place is not None:
            replacer.visit(place)
        return replacer.found

    return Rule(f"{method}() in {scope}", 1, apply)


def _numbers(
    scope: str, target: str, change: Change, *, count: int = 1, keyword: str | None = None
) -> Rule:
    """The ``count`` numbers in what is assigned to ``target``, or in a keyword there, change."""

    def apply(tree: ast.Module) -> int:
        place = _scope(tree, scope)
        values = [
            node.value
            for node in (ast.walk(place) if place else ())
            if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == [target]
        ]
        found = [numbers for value in values if len(numbers := _constants(value, keyword)) == count]
        for numbers in found:
            new = change([number.value for number in numbers])  # type: ignore[misc] # _constants finds numbers alone
            for number, value in zip(numbers, new, strict=True):
                number.value = value
        return len(found)

    inside = f" in {keyword}=" if keyword else ""
    plural = "" if count == 1 else "s"
    return Rule(f"{count} number{plural}{inside} of {target} in {scope}", 1, apply)


def _constants(value: ast.expr, keyword: str | None) -> list[ast.Constant]:
    """Its numbers in the order of the text; True and False are none."""
    parts: list[ast.AST] = [value]
    if keyword is not None:
        named = [node for node in ast.walk(value) if isinstance(node, ast.keyword)]
        parts = [node.value for node in named if node.arg == keyword]
    found = [
        node
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    ]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))
