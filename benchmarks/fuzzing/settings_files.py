"""YAML: configurations of runs, and models.

Silently wrong: a setting that the file says (read again by ``yaml.safe_load``) and that the
configuration does not have; a model whose summary counts other parameters than torch's network has,
or whose logits have another shape than its classes say.
"""

from __future__ import annotations

import copy
import random
from abc import abstractmethod
from pathlib import Path
from typing import Any

import yaml

from fuzzing.case import Case, Family, NotJudged, Wrong
from fuzzing.images import SOUND_SHARE
from fuzzing.mutations import mutate
from fuzzing.trees import change_tree, leaves

__all__ = ["SETTINGS"]

_MODEL = {
    "name": "small",
    "description": "a network",
    "input_shape": [12, 12, 3],
    "classes": 3,
    "layers": [
        {"type": "ZeroPadding2D", "padding": 1},
        {"type": "Conv2D", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"},
        {"type": "BatchNormalization", "momentum": 0.9},
        {"type": "MaxPooling2D", "pool_size": 2},
        {"type": "SeparableConv2D", "filters": 5, "kernel_size": [3, 3], "use_bias": False},
        {"type": "DepthwiseConv2D", "kernel_size": 3, "strides": 2, "padding": "same"},
        {"type": "LayerNormalization"},
        {"type": "SpatialDropout2D", "rate": 0.2},
        {"type": "AveragePooling2D", "pool_size": [1, 2]},
        {"type": "Flatten"},
        {"type": "Dropout", "rate": 0.5},
        {"type": "Dense", "units": 6, "activation": "tanh"},
        {"type": "LeakyReLU"},
        {"type": "Dense", "units": "classes"},
    ],
    "training": {"epochs": 3},
    "optimizer": {"name": "adam", "lr": 0.01},
    "provenance": {"layers.*": {"mark": "stated", "why": "a table"}},
}
_BUILDER = {
    "name": "fast",
    "input_shape": [32, 32, 3],
    "classes": 10,
    "builder": "fastnet",
    "params": {"widths": [8, 8], "depths": [1, 1]},
}
#: Networks up to this size are built and asked.
_SMALL = 300_000


def _odd_yaml(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Texts that make objects, grow, nest, or mean something else in another YAML."""
    bomb = b"a: &a [x, x]\n" + b"".join(
        b"%c: &%c [*%c, *%c]\n" % (98 + n, 98 + n, 97 + n, 97 + n) for n in range(20)
    )
    ways = {
        "object": data + b"x: !!python/object/apply:os.system ['touch owned-by-a-file']\n",
        "name": data + b"x: !!python/name:os.system\n",
        "aliases": bomb + data,
        "recursive": b"seed: &a [*a]\n" + data,
        "merge": b"<<: {seed: 3}\n" + data,
        "deep": b"x: " + b"[" * 5_000 + b"]" * 5_000 + b"\n",
        "deeper": b"x: " + b"{a: " * 20_000 + b"}" * 20_000 + b"\n",
        "key twice": data + b"seed: 1\nseed: 2\n",
        "key of a list": data + b"? [1, 2]\n: 3\n",
        "octal": data.replace(b": 3\n", b": 0o17\n").replace(b": 1\n", b": 010\n"),
        "sixties": data.replace(b": 3\n", b": 1:30\n"),
        "date": data.replace(b": 3\n", b": 2001-12-14\n"),
        "bad date": data.replace(b": 3\n", b": 2001-99-99\n"),
        "no": data.replace(b": null\n", b": no\n"),
        "binary": data + b"x: !!binary '***'\n",
        "set": data + b"x: !!set {a, b}\n",
        "wrong tag": data.replace(b": 3\n", b": !!int abc\n"),
        "float": data.replace(b": 3\n", b": !!float x\n"),
        "timestamp": data.replace(b": 3\n", b": !!timestamp x\n"),
        "bool": data.replace(b": 3\n", b": !!bool x\n"),
        "long": b"#" * (1 << 20) + data,
        "UTF-16": data.decode("utf-8", "replace").encode("utf-16"),
        "two documents": data + b"---\n" + data,
        "list": b"- 1\n",
        "empty": b"",
        "tab": data.replace(b"  ", b"\t"),
        "long number": data.replace(b": 3\n", b": " + b"9" * 5_000 + b"\n"),
        "directive": b"%YAML 9.9\n---\n" + data,
        "NEL": data.replace(b"\n", "\u0085".encode(), 2),
    }
    way = rng.choice(list(ways))
    return ways[way], way


class _YamlFamily(Family):
    """One YAML file whose tree, or whose text, is changed."""

    def warm(self) -> None:
        import torch

        torch.set_num_threads(1)

    def case(self, rng: random.Random) -> Case:
        tree, said = copy.deepcopy(self.base(rng)), []
        if rng.random() > SOUND_SHARE:
            said = [change_tree(rng, tree) for _ in range(rng.choice((1, 1, 2, 3)))]
        data = yaml.safe_dump(tree, sort_keys=False, allow_unicode=rng.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
        if said and rng.random() < 0.3:
            data, more = mutate(rng, yaml.safe_dump(self.base(rng)).encode(), _odd_yaml)
            said = [*more]
        return Case({"file.yaml": data}, "file.yaml", tuple(said))

    @abstractmethod
    def base(self, rng: random.Random) -> Any:
        """The tree of a sound file."""


class ConfigurationFamily(_YamlFamily):
    """What ``cnnlab train --config`` reads."""

    name = "yaml-config"
    names_keys = True  # settings come from files, models, recipes and options at once

    def base(self, rng: random.Random) -> Any:
        from cnnlab.config import RunConfig

        tree = RunConfig().updated(
            training={"progressive_resizing": [{"scale": 0.5, "until": 0.3}]}
        )
        return tree.to_dict()

    def use(self, folder: Path, case: Case) -> Any:
        from cnnlab.workflows.configure import configure

        config = configure(file=folder / case.source)
        return config.to_dict(), config.to_yaml()

    def judge(self, folder: Path, case: Case, made: Any) -> None:
        told, text = made
        said = yaml.safe_load((folder / case.source).read_text(encoding="utf-8"))
        kept = dict(leaves(told))
        if dict(leaves(yaml.safe_load(text))).keys() != kept.keys():
            raise Wrong("what is written down has other keys")
        for key, value in leaves(said or {}):
            if value == {} and key not in kept:
                continue
            if key not in kept or not _same(value, kept[key]):
                raise Wrong(f"{key} is {value!r} in the file and {kept.get(key)!r} here")


def _same(said: Any, kept: Any) -> bool:
    """Whether two values mean the same: 1e-4 is text in YAML 1.1, and on is true."""
    if isinstance(said, list) and isinstance(kept, list):
        return len(said) == len(kept) and all(map(_same, said, kept))
    if isinstance(said, dict) and isinstance(kept, dict):
        return said.keys() == kept.keys() and all(_same(said[key], kept[key]) for key in said)
    if isinstance(kept, float | int) and not isinstance(kept, bool):
        try:
            return float(said) == float(kept)
        except (TypeError, ValueError):
            return False
    if isinstance(kept, str) and isinstance(said, bool):
        return kept == ("off", "on")[said]
    if isinstance(kept, bool):
        return said in (kept, int(kept), str(kept).lower(), "yes" if kept else "no", "on", "off")
    return bool(said == kept)


class ArchitectureFamily(_YamlFamily):
    """A user's model file: read, summarised, and built where it is small."""

    name = "yaml-model"

    def base(self, rng: random.Random) -> Any:
        return _MODEL if rng.random() < 0.8 else _BUILDER

    def use(self, folder: Path, case: Case) -> Any:
        import torch

        from cnnlab.models import load_architecture

        architecture = load_architecture(folder / case.source)
        summary = architecture.summary()
        summary.to_text()
        values = sum(step.activation_values for step in architecture.steps)
        if max(summary.total_params, values) > _SMALL:
            return None
        network = architecture.build(torch.Generator().manual_seed(0)).eval()
        height, width, channels = architecture.input_shape
        with torch.inference_mode():
            logits = network(torch.zeros(2, channels, height, width))
        return summary, architecture.classes, network, logits

    def judge(self, folder: Path, case: Case, made: Any) -> None:
        if made is None:
            raise NotJudged("too large to be built here")
        summary, classes, network, logits = made
        said = yaml.safe_load((folder / case.source).read_text(encoding="utf-8"))
        tensors = [*network.parameters(), *network.buffers()]
        held = sum(tensor.numel() for tensor in tensors if tensor.is_floating_point())
        if held != summary.total_params:
            raise Wrong(f"the network has {held} numbers, the summary {summary.total_params}")
        if tuple(logits.shape) != (2, classes):
            raise Wrong(f"logits are {tuple(logits.shape)} for {classes} classes")
        if said.get("classes", classes) != classes or said.get("name", "file") != summary.name:
            raise Wrong("name or classes are others")


SETTINGS = (ConfigurationFamily(), ArchitectureFamily())
