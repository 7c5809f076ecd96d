"""Run directories of others: checkpoints in safetensors; JSON, JSON lines, YAML and predictions.

One file of a small finished run (or of one that was cut off) is changed, and the run is used as a
user would. Silently wrong:

- ``evaluate`` with other scores than the sound run, after damage to anything but what it is told
  by (configuration, split, architecture, preprocessing: there another content is another run);
- ``resume`` that ends with other bytes of weights than the sound run, after damage to a checkpoint;
- ``list``, ``show``, ``compare`` or ``report`` that say something else than for the sound run, of
  a file that is no JSON, YAML or npz any more, and do not say that it is damaged; or an accuracy
  that is not that of the saved predictions.

What a well-formed file with another content should give is not known: that is "not judged".
"""

from __future__ import annotations

import copy
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from fuzzing.case import Case, Family, NotJudged, Wrong
from fuzzing.images import SOUND_SHARE
from fuzzing.mutations import damage, extreme, mutate
from fuzzing.run_verbs import VERBS, answer, files_of, run_of, sound, written
from fuzzing.trees import change_tree, odd_json

__all__ = ["RUNS"]

#: What ``evaluate`` is told by.
_TELLING = ("config.yaml", "split.json", "architecture.yaml", "preprocessing.json")


class _RunFamily(Family):
    """One run of which one file is changed."""

    writes = True

    def warm(self) -> None:
        """Learn what every verb says of the sound runs."""
        import torch

        torch.set_num_threads(1)
        for verb in VERBS:
            sound(verb)

    def use(self, folder: Path, case: Case) -> Any:
        return answer(case.facts["verb"], folder)

    def judge(self, folder: Path, case: Case, made: Any) -> None:
        verb, name = case.facts["verb"], case.facts["file"]
        if verb in ("list", "show"):
            _check_accuracy(
                folder / "run",
                made[0]["validation_accuracy"]
                if verb == "list"
                else (made["validation"] or {}).get("top1"),
            )
        if made == sound(verb):
            return
        # The run was cut off on another processor: from an earlier checkpoint on, this one rounds
        # otherwise. What a run without the damaged one gives is right, too.
        if verb == "resume" and name.startswith("checkpoints/") and made == sound(verb, name):
            return
        told = json.dumps(made)
        if verb in ("list", "show") and ("damaged" in told or "newer" in told):
            return
        protected = name.endswith(".safetensors")
        if protected and verb in ("evaluate", "resume"):
            raise Wrong(f"{verb} gives something else")
        if verb == "evaluate" and name not in _TELLING:
            raise Wrong("other scores")
        if not _is_well_formed(folder / "run" / name):
            raise Wrong(f"{verb} says something else, and not that {name} is damaged")
        raise NotJudged("another content")


def _check_accuracy(run: Path, said: float | None) -> None:
    if said is None:
        return
    with np.load(run / "predictions" / "validation.npz", allow_pickle=False) as saved:
        true = float((saved["logits"].argmax(axis=1) == saved["labels"]).mean())
    if abs(true - said) > 1e-9:
        raise Wrong(f"the accuracy is {true}, not {said}")


def _is_well_formed(path: Path) -> bool:
    """Whether a file can still be read as what it is."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as saved:
                return bool([saved[name] for name in saved.files])
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":  # behind the last line's end nothing was written yet
            text = text.rpartition("\n")[0]
        if path.suffix == ".yaml":
            yaml.safe_load(text)
        for line in text.splitlines() if path.suffix == ".jsonl" else [text]:
            json.loads(line) if path.suffix.startswith(".json") else None
    except Exception:  # zip, NumPy, YAML and JSON each have errors of their own for damage
        return False
    return True


class CheckpointFamily(_RunFamily):
    """Weights, evaluated; and where training goes on from, resumed."""

    name = "checkpoint"

    def case(self, rng: random.Random) -> Case:
        verb = rng.choice(("evaluate", "evaluate", "evaluate", "show", "resume"))
        files = dict(files_of(run_of(verb)))
        found = [name for name in files if name.endswith(".safetensors")]
        name = rng.choice(found)
        said: tuple[str, ...] = ()
        if rng.random() > SOUND_SHARE:
            files[name], said = mutate(rng, files[name], _odd_header, 0.7)
        facts = {"verb": verb, "file": name}
        return Case(
            written(verb, files), "run", tuple(f"{verb}, {name}: {each}" for each in said), facts
        )


def _odd_header(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Change the header of a safetensors file: types, shapes, places, our JSON within it."""
    size = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + size])
    except ValueError:
        return damage(rng, data)
    way = rng.choice(("tree", "ours", "ours", "size", "drop", "type", "offsets"))
    tensors = [name for name in header if name != "__metadata__"] or ["x"]
    name = rng.choice(tensors)
    entry = header.get(name, {})
    if way == "ours" and isinstance(header.get("__metadata__"), dict):
        text = header["__metadata__"].get("cnnlab", "{}")
        try:
            tree = json.loads(text)
            way = f"ours: {change_tree(rng, tree)}"
            header["__metadata__"]["cnnlab"] = json.dumps(tree)
        except (ValueError, TypeError):
            header["__metadata__"]["cnnlab"] = "{}"
    elif way == "size":
        return extreme(rng).to_bytes(24, "little", signed=True)[:8] + data[8:], way
    elif way == "drop":
        header.pop(name, None)
    elif way == "type" and isinstance(entry, dict):
        entry["dtype"] = rng.choice(
            ("F64", "F16", "BF16", "I32", "U8", "BOOL", "F8_E4M3", "X", "C64")
        )
    elif way == "offsets" and isinstance(entry, dict):
        entry["data_offsets"] = [extreme(rng), extreme(rng)]
    else:
        way = change_tree(rng, header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :], way


class RunFilesFamily(_RunFamily):
    """Every other file of a run, through every verb that reads runs."""

    name = "run-files"

    def case(self, rng: random.Random) -> Case:
        verbs = (
            "list",
            "list",
            "show",
            "show",
            "show",
            "compare",
            "compare",
            "evaluate",
            "evaluate",
        )
        verb = rng.choice((*verbs, *verbs, "start", "report", "resume"))
        files = dict(files_of(run_of(verb)))
        names = [n for n in files if not n.endswith((".safetensors", ".md", ".txt"))]
        name = rng.choice(names)
        said: tuple[str, ...] = ()
        if rng.random() > SOUND_SHARE:
            files[name], said = _changed(rng, name, files[name])
        facts = {"verb": verb, "file": name}
        what = tuple(f"{verb}, {name}: {each}" for each in said)
        return Case(written(verb, files), "run", what, facts)


def _changed(rng: random.Random, name: str, data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The file with one change of its content, or with damage to its bytes."""
    if rng.random() < 0.25:
        return mutate(rng, data, odd_json if "json" in name else damage)
    if name.endswith(".npz"):
        return _odd_predictions(rng, data)
    if name.endswith(".jsonl"):
        lines = [json.loads(line) for line in data.splitlines()]
        said = change_tree(rng, lines)
        return "".join(json.dumps(line) + "\n" for line in lines).encode(), (said,)
    tree = yaml.safe_load(data) if name.endswith(".yaml") else json.loads(data)
    tree = copy.deepcopy(tree)
    said = change_tree(rng, tree)
    dump = yaml.safe_dump(tree, sort_keys=False) if name.endswith(".yaml") else json.dumps(tree)
    return dump.encode("utf-8", "surrogatepass"), (said,)


def _odd_predictions(rng: random.Random, data: bytes) -> tuple[bytes, tuple[str, ...]]:
    with np.load(io.BytesIO(data)) as saved:
        arrays = {name: saved[name] for name in saved.files}
    name = rng.choice([*arrays])
    old = arrays[name]
    odd: tuple[Callable[[], Any], ...] = (
        lambda: old[:-1],
        lambda: old[:0],
        lambda: old.astype("<f8"),
        lambda: old.astype("<U9"),
        lambda: old.reshape(-1, 1),
        lambda: old.astype("<i1"),
        lambda: old * 1000,
        lambda: -old,
        lambda: np.full_like(old, 10**6),
        lambda: old.astype(complex),
        lambda: np.array(3),
        lambda: old.astype("f4") * np.float32("nan"),
        lambda: np.array(["x"] * len(old), dtype=object),
        lambda: old.astype("M8[s]") if old.dtype.kind == "i" else old,
        lambda: old[..., None],
        lambda: np.zeros((len(old), 3), old.dtype),
        lambda: old + 1,
    )
    arrays[name] = rng.choice(odd)()
    if rng.random() < 0.1:
        del arrays[name]
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue(), (f"another {name}",)


RUNS = (CheckpointFamily(), RunFilesFamily())
