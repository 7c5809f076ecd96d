"""YAML in and out, ``key=value`` overrides and durations; knows no names of models or data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from cnnlab.errors import ConfigError

__all__ = [
    "changed_keys",
    "dump_yaml",
    "flattened",
    "load_yaml",
    "merge",
    "nest",
    "parse_duration",
    "parse_override",
    "parse_yaml",
    "setting_text",
    "split_values",
    "value_at",
    "with_overrides",
]

_MAX_BYTES = 1 << 20
_FLOAT = re.compile(
    r"""^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?
        |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
        |\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?
        |[-+]?\.(?:inf|Inf|INF)
        |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, but ``1e-4`` is a number and a key is text and stands once.

    Aliases are refused: settings do not need them, and they can grow without end.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # PyYAML's
            raise yaml.composer.ComposerError(None, None, "an alias (*) is not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is no text: put it in quotes", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


class _Dumper(yaml.SafeDumper):
    """Short lists of plain values stand on one line, no aliases are written."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # PyYAML writes rare line breaks (U+0085, U+2028) plainly and reads them back as spaces.
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_list(dumper: yaml.SafeDumper, data: Any) -> yaml.Node:
    plain = all(isinstance(item, int | float | str | bool | None) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain)


def _represent_float(dumper: yaml.SafeDumper, value: float) -> yaml.Node:
    if math.isfinite(value):
        text = repr(value)
    else:
        text = ".nan" if math.isnan(value) else (".inf" if value > 0 else "-.inf")
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(tuple, _represent_list)
_Dumper.add_representer(float, _represent_float)


def parse_yaml(text: str, *, where: object) -> Any:
    """Parse YAML text; ``where`` names it in errors (:class:`ConfigError`)."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}, line {mark.line + 1}" if mark is not None else where
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigError(str(problem), where=place, todo="correct the YAML there") from None
    except RecursionError:
        raise ConfigError("nested too deeply", where=where) from None
    # A number of thousands of digits, the 99th of a month, "!!bool x": each trips PyYAML otherwise.
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
        said = " ".join(str(error).split())
        raise ConfigError(
            f"a value cannot be read ({said[:100]})", where=where, todo="correct the YAML there"
        ) from None


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping; anything else is a :class:`ConfigError`."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError("too large for a settings file", where=path, expected="under 1 MiB")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("no such file", where=path) from None
    except OSError as error:
        raise ConfigError(error.strerror or str(error), where=path) from None
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8 text", where=path, expected="a YAML file") from None
    content = parse_yaml(text, where=path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"holds a {type(content).__name__}", where=path, expected="a mapping of keys to values"
        )
    return content


def dump_yaml(content: Mapping[str, Any]) -> str:
    """Write a mapping as YAML in its own order."""
    return yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with the values of ``over`` laid on it, mappings key by key."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The dotted keys at which two nested mappings differ."""
    changed: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        first, second = old.get(key), new.get(key)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            changed += changed_keys(first, second, f"{prefix}{key}.")
        elif first != second or (key in old) != (key in new):
            changed.append(f"{prefix}{key}")
    return changed


def parse_override(text: str) -> dict[str, Any]:
    """Turn ``a.b=1e-4`` into ``{"a": {"b": 0.0001}}``."""
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(
            f"'{text}' is no setting", where="--set", expected="key=value, e.g. optimizer.lr=0.01"
        )
    return nest(path.strip(), parse_yaml(value, where=f"--set {path.strip()}"))


def nest(key: str, value: Any) -> dict[str, Any]:
    """Turn ``a.b`` and 1 into ``{"a": {"b": 1}}``."""
    nested = value
    for part in reversed(key.split(".")):
        nested = {part: nested}
    return dict(nested)


def value_at(settings: Mapping[str, Any], key: str) -> Any:
    """What nested settings say of ``a.b``; None where they do not say it."""
    value: Any = settings
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def split_values(text: str) -> list[str]:
    """Turn ``a.b=1,2`` into ``["a.b=1", "a.b=2"]``; what holds no list of values stays alone.

    Values are divided by commas outside of brackets, braces and quotes: ``[32,64]`` is one value,
    and so is ``"a,b"``.
    """
    path, equals, values = text.partition("=")
    parts, depth, quote = [""], 0, ""
    for letter in values:
        if letter == "," and not depth and not quote:
            parts.append("")
            continue
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and not parts[-1].strip():
            quote = letter
        else:
            depth += (letter in "[{(") - (letter in ")}]")
        parts[-1] += letter
    return [f"{path}{equals}{part.strip()}" for part in parts] if len(parts) > 1 else [text]


def with_overrides(base: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Lay ``key=value`` texts on ``base``, the later over the earlier."""
    merged = dict(base)
    for text in overrides:
        merged = merge(merged, parse_override(text))
    return merged


def parse_duration(text: str | float, *, where: str = "duration") -> float:
    """Return seconds: ``90``, ``"90s"``, ``"2m"``, ``"1h30m"``; more than zero."""
    if isinstance(text, int | float):
        seconds = float(text)
    else:
        match = _DURATION.fullmatch(text.strip().lower().replace(" ", ""))
        if match is None or not any(match.groups()):
            seconds = math.nan
        else:
            hours, minutes, rest = (float(group or 0) for group in match.groups())
            seconds = hours * 3600 + minutes * 60 + rest
    if not (math.isfinite(seconds) and seconds > 0):
        raise ConfigError(
            f"'{text}' is no length of time", where=where, expected="e.g. 90s, 2m or 1h30m, above 0"
        )
    return seconds


def flattened(settings: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as ("training.batch_size", "32") pairs, in their order."""
    pairs: list[tuple[str, str]] = []
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            pairs += flattened(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", setting_text(value)))
    return pairs


def setting_text(value: object) -> str:
    """A setting's value as YAML has it on one line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {setting_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(setting_text, value)) + "]"
    return str(value)
