"""Trees of mappings, lists and plain values, as JSON and YAML hold them, and changes of them."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from fuzzing.mutations import TEXTS, extreme

__all__ = ["change_tree", "leaves", "odd_json", "odd_value"]


def odd_value(rng: random.Random) -> Any:
    """A value of any type that JSON and YAML have."""
    return rng.choice(
        (
            *(None, True, False, 0.5, -1.5, 1e308, float("nan"), float("inf"), [], {}, [[]], ""),
            *(extreme(rng), extreme(rng), rng.choice(TEXTS), rng.choice(TEXTS), [1, 2], {"a": 1}),
            *([None], ["x"] * 3, {"x": {"y": [1]}}, 1, 2, "adam", "1e-3"),
        )
    )


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every mapping or list with each of its keys."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in [*keys][:200]:
        yield tree, key
        yield from _places(tree[key])


def change_tree(rng: random.Random, tree: Any) -> str:
    """Change one place of a tree: another value, none, another key, or a value near the old one."""
    places = [*_places(tree)]
    if not places:
        return "nothing to change"
    owner, key = rng.choice(places)
    way = rng.choice(("value", "value", "near", "drop", "rename", "deep", "copy"))
    old = owner[key]
    if way == "value":
        owner[key] = odd_value(rng)
    elif way == "near" and isinstance(old, int | float) and not isinstance(old, bool):
        owner[key] = rng.choice((-old, old + 1, old * 2, old / 3, str(old), [old], float(old)))
    elif way == "drop":
        del owner[key]
    elif way == "rename" and isinstance(owner, dict):
        owner[rng.choice((f"{key}x", str(key).upper(), "", rng.choice(TEXTS)))] = owner.pop(key)
    elif way == "deep":
        for _ in range(rng.choice((2, 30, 60))):
            old = rng.choice(([old], {"a": old}))
        owner[key] = old
    else:
        owner[key] = copy.deepcopy(rng.choice(places)[0]) if len(places) < 40 else odd_value(rng)
    return f"{way} at {str(key)[:30]!r}"


def odd_json(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """JSON that trips parsers: very deep, numbers without end, keys twice, other encodings."""
    ways = {
        "deep": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        "deep list": b"[" * 100_000 + b"]" * 100_000,
        "long number": data.replace(b"1", b"1" * 5_000, 1),
        "NaN": data.replace(b"1", b"NaN", 1),
        "key twice": data.replace(b"{", b'{"stage": "x", "stage": 2, ', 1),
        "UTF-16": data.decode("utf-8", "replace").encode("utf-16"),
        "mark": b"\xef\xbb\xbf" + data,
        "list": b"[" + data.strip().replace(b"\n", b",") + b"]\n",
        "text": b'"' + data[:20].replace(b'"', b"") + b'"\n',
        "twice": data + data,
        "empty": b"",
        "null": b"null\n",
        "no end of line": data.rstrip(b"\n"),
        "NUL": b"\0" * len(data),
    }
    way = rng.choice(list(ways))
    return ways[way], way


def leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys of mappings and what stands at them."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, tree
