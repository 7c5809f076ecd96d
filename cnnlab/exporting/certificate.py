"""What was found when a file was held against its network: in the file, and beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.exporting.int8 import Quantized
from cnnlab.exporting.parity import Parity
from cnnlab.tables import bytes_text

if TYPE_CHECKING:
    from cnnlab.bundle import Bundle

__all__ = ["Certificate", "certificate_path", "facts_of"]

_VERSION = 1
#: What writes and answers besides, by format.
_LIBRARIES = {"onnx": ("onnx", "onnxruntime", "onnxscript"), "keras": ("h5py", "keras")}


def certificate_path(path: Path) -> Path:
    """Where the certificate of a file stands."""
    return path.with_name(f"{path.name}.certificate.json")


def facts_of(bundle: Bundle) -> dict[str, Any]:
    """What a file says of its model, as plain values."""
    height, width, channels = bundle.input_shape
    return {
        "name": bundle.name,
        "class_names": list(bundle.class_names),
        "input_shape": [height, width, channels],
        "image_size": [height, width],
        "preprocessing": bundle.preprocessing.to_dict(),
        "temperature": bundle.temperature,
        "origin": dict(bundle.origin),
    }


@dataclass(frozen=True)
class Certificate:
    """A file's parity with the network that it was made of.

    Attributes
    ----------
    format: "onnx", "bundle" or "keras".
    facts: what the file says of its model.
    split, images: what it was tried on, "validation" or "generated", and how many.
    parity: how near it is; of int8, how near the fp32 graph is that it was made of.
    top1: the share of validation images that the network classifies rightly; None: no labels.
    int8: what eight bits changed; None where there are none.
    """

    format: str
    facts: Mapping[str, Any]
    split: str
    images: int
    parity: Parity
    top1: float | None
    int8: Quantized | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        libraries = ["cnnlab", "torch", *_LIBRARIES.get(self.format, ())]
        return {
            "certificate_version": _VERSION,
            "format": self.format,
            "precision": "fp32" if self.int8 is None else "int8",
            "model": dict(self.facts),
            "tried_on": {"split": self.split, "images": self.images},
            "parity": self.parity.to_dict(),
            "validation_top1": self.top1,
            "int8": None if self.int8 is None else self.int8.to_dict(),
            "versions": {name: version(name) for name in libraries},
        }

    def metadata(self) -> dict[str, str]:
        """The same for an ONNX file, whose metadata are texts: each of them is JSON."""
        whole = self.to_dict()
        facts = whole.pop("model")
        values = {**facts, "precision": whole["precision"], "certificate": whole}
        return {key: json.dumps(value) for key, value in values.items()}

    def lines(self) -> list[str]:
        """What it says, for people."""
        of = "the fp32 graph" if self.int8 else "the file"
        tried = f"{self.images:,} {self.split} images"
        sizes = ", ".join(str(batch.batch_size) for batch in self.parity.batches)
        found = f"largest difference of a logit {self.parity.largest_difference:.1e}"
        said = [f"{of} says what the network says on {tried}: {found}, no other class"]
        if self.format != "bundle":
            said[0] += f", in batches of {sizes}"
        if self.int8:
            said += _int8_lines(self.int8)
        elif self.top1 is not None:
            said.append(f"validation accuracy {self.top1:.4f}")
        return said


def _int8_lines(int8: Quantized) -> list[str]:
    faster = int8.fp32_speed.latency_milliseconds / int8.speed.latency_milliseconds
    more = int8.speed.images_per_second / int8.fp32_speed.images_per_second
    return [
        f"int8, ranges from {int8.calibration:,} training images: validation accuracy "
        f"{int8.top1:.4f}, fp32 {int8.fp32_top1:.4f}; the same class on {int8.same_class:.2%}",
        f"one image in {int8.speed.latency_milliseconds:.2f} ms, fp32 "
        f"{int8.fp32_speed.latency_milliseconds:.2f} ms ({faster:.2f} times as fast); "
        f"{int8.speed.images_per_second:,.0f} images/s in batches of 256, fp32 "
        f"{int8.fp32_speed.images_per_second:,.0f} ({more:.2f} times); on this machine",
        f"{bytes_text(int8.bytes)}, fp32 {bytes_text(int8.fp32_bytes)}",
    ]
