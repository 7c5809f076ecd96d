"""A search space: which settings are searched over what, and which are fixed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from cnnlab.config_layers import lay
from cnnlab.errors import ConfigError
from cnnlab.settings import dump_yaml, load_yaml, nest
from cnnlab.sweeps.dimensions import Dimension
from cnnlab.sweeps.kinds import kind_of, parse_dimension

__all__ = ["Space", "parse_space", "read_space"]

#: What a search cannot be over, and why.
_NOT_SEARCHED = {
    "name": "a sweep names its runs",
    "seed": "the seed is no merit of a configuration; --seeds trains the best ones on several",
    "schema_version": "it says how files are written",
}
#: What decides which images a trial is judged on: they are the same for all.
_IMAGES = "data."
_SEARCHED_DATA = ("data.image_size", "data.channels")
_MOST_COMBINATIONS = 10_000


@dataclass(frozen=True)
class Space:
    """What a sweep is over.

    Attributes
    ----------
    dimensions: by dotted key, in the file's order.
    fixed: nested settings that hold for every trial.
    where: the file, for errors.
    """

    dimensions: Mapping[str, Dimension]
    fixed: Mapping[str, Any]
    where: str = "space"

    def settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """One trial's values (by dotted key) as nested settings."""
        return lay([nest(key, value) for key, value in params.items()])

    def probes(self) -> Iterator[tuple[str, Any]]:
        """Key and value of everything that has to be a configuration, one at a time."""
        for key, dimension in self.dimensions.items():
            for value in dimension.probes():
                yield key, value

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Whether values lie within the space, all of them."""
        return all(one.holds(params.get(key)) for key, one in self.dimensions.items())

    def combinations(self) -> list[dict[str, Any]]:
        """Every combination; :class:`ConfigError` where there is no end to them, or too many."""
        columns = []
        for key, dimension in self.dimensions.items():
            values = dimension.every()
            if values is None:
                raise ConfigError(
                    f"a grid needs values that can be counted, not {dump_range(dimension)}",
                    where=f"{self.where}, {key}",
                    expected="choice, int, or uniform with a step",
                    todo="or take --sampler tpe",
                )
            columns.append(values)
        count = math.prod(map(len, columns))
        if count > _MOST_COMBINATIONS:
            raise ConfigError(
                f"the grid has {count:,} combinations",
                where=self.where,
                expected=f"at most {_MOST_COMBINATIONS:,}",
                todo="or take --sampler random",
            )
        return [dict(zip(self.dimensions, row, strict=True)) for row in product(*columns)]

    def to_dict(self) -> dict[str, Any]:
        """As ``sweep.yaml`` keeps it; :func:`parse_space` reads it back."""
        return {**self.fixed, **{key: one.to_dict() for key, one in self.dimensions.items()}}


def dump_range(dimension: Dimension) -> str:
    """A dimension on one line: "log: [0.0001, 0.1]"."""
    return dump_yaml(dimension.to_dict()).strip().replace("\n", ", ")


def read_space(path: Path) -> Space:
    """Read a space's YAML file; :class:`ConfigError` names file, key and what is expected."""
    return parse_space(load_yaml(path), where=str(path))


def parse_space(content: Mapping[str, Any], *, where: str = "space") -> Space:
    """Read a space from a mapping, see ``docs/tune.md``.

    Keys are settings, dotted or nested. ``{"log": [low, high]}``, ``{"uniform": [low, high]}``,
    ``{"int": [low, high]}`` and ``{"choice": [...]}`` are searched, all else is fixed.
    """
    dimensions: dict[str, Dimension] = {}
    fixed: dict[str, Any] = {}
    for key, value in _leaves(content, where):
        place = f"{where}, {key}"
        if key in dimensions or key in fixed:
            raise ConfigError("the key stands twice, dotted and nested", where=place)
        if isinstance(value, Mapping) and kind_of(value) is not None:
            _check_key(key, place)
            dimensions[key] = parse_dimension(value, where=place)
        else:
            if key == "name":
                raise ConfigError(_NOT_SEARCHED[key], where=place, todo="leave it out")
            fixed[key] = value
    _check_apart([*dimensions, *fixed], where)
    if not dimensions:
        raise ConfigError(
            "nothing is searched",
            where=where,
            expected="a key with choice, uniform, log or int, e.g. optimizer.lr: {log: [1e-4, 1]}",
        )
    return Space(dimensions, lay([nest(key, value) for key, value in fixed.items()]), where)


def _leaves(content: Mapping[str, Any], where: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of everything that is no section."""
    for key, value in content.items():
        path = f"{prefix}{key}"
        if not all(path.split(".")):
            raise ConfigError(
                f"'{path}' is no key", where=where, expected="a setting, e.g. optimizer.lr"
            )
        if isinstance(value, Mapping) and value and kind_of(value) is None:
            yield from _leaves(value, where, f"{path}.")
        else:
            yield path, value


def _check_key(key: str, place: str) -> None:
    """A search over this would say nothing of a configuration's merit."""
    if key in _NOT_SEARCHED:
        raise ConfigError(f"cannot be searched: {_NOT_SEARCHED[key]}", where=place)
    if key == "data" or (key.startswith(_IMAGES) and key not in _SEARCHED_DATA):
        raise ConfigError(
            "cannot be searched: every trial has to be judged on the same images",
            where=place,
            expected=f"of data only {' and '.join(_SEARCHED_DATA)}",
        )


def _check_apart(keys: list[str], where: str) -> None:
    """A key and a part of it: one of them would be without effect."""
    for outer in keys:
        inner = next((key for key in keys if key.startswith(f"{outer}.")), None)
        if inner is not None:
            raise ConfigError(
                f"'{inner}' is a part of '{outer}', which stands there too",
                where=where,
                expected="one of them",
            )
