"""A Keras file -> an architecture and a bundle that gives the same logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnlab.data.source import Say, unsaid
from cnnlab.errors import CheckFailed, InputError
from cnnlab.files import atomic_path, storage_errors, write_text
from cnnlab.interop.keras.class_names import class_names_of
from cnnlab.interop.keras.installed import require_libraries
from cnnlab.runs import command_line
from cnnlab.settings import dump_yaml
from cnnlab.tables import ShownAsText, bytes_text, printable

if TYPE_CHECKING:
    import torch

    from cnnlab.bundle import Bundle
    from cnnlab.interop.keras.container import KerasFile
    from cnnlab.interop.keras.front import Front
    from cnnlab.interop.keras.head import Head
    from cnnlab.models import Architecture

__all__ = ["Imported", "import_keras"]

#: How a bundle's file ends, and what the two files in a folder are called.
_ENDING = ".safetensors"
_BUNDLE, _ARCHITECTURE = f"model{_ENDING}", "architecture.yaml"


@dataclass(frozen=True)
class Imported(ShownAsText):
    """What a Keras file became.

    Attributes
    ----------
    path: the bundle's file.
    architecture_path: the architecture's; None where only a bundle was asked for.
    notes: what was changed, left out or taken for granted.
    """

    path: Path
    architecture_path: Path | None
    bytes: int
    bundle: Bundle
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab import-keras --json`` prints."""
        summary = self.bundle.architecture.summary()
        written = self.architecture_path
        return {
            "file": str(self.path),
            "bytes": self.bytes,
            "architecture_file": None if written is None else str(written),
            "name": self.bundle.name,
            "input_shape": list(self.bundle.input_shape),
            "layers": len(summary.layers),
            "parameters": summary.total_params,
            "class_names": list(self.bundle.class_names),
            "preprocessing": self.bundle.preprocessing.to_dict(),
            "temperature": self.bundle.temperature,
            "origin": dict(self.bundle.origin),
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """What ``cnnlab import-keras`` prints."""
        summary = self.bundle.architecture.summary()
        size = "x".join(str(side) for side in self.bundle.input_shape)
        lines = [
            f"{self.path}: {bytes_text(self.bytes)}; {len(summary.layers)} layers, "
            f"{summary.total_params:,} parameters, images of {size}, "
            f"{len(self.bundle.class_names)} classes"
        ]
        if self.architecture_path is not None:
            lines.append(f"architecture: {self.architecture_path}")
        return "\n".join([*lines, "next: " + command_line("predict", self.path, "IMAGE")])


def import_keras(
    source: Path | str,
    out: Path | str | None = None,
    *,
    name: str | None = None,
    classes: str | Sequence[str] | None = None,
    scale: str | None = None,
    image_size: tuple[int, int] | None = None,
    weights: Path | str | None = None,
    force: bool = False,
    say: Say = unsaid,
) -> Imported:
    """Turn a Keras model into an architecture of our layers and a bundle with its weights.

    Keras is not needed, and nothing in the file is run.

    Parameters
    ----------
    source: a ``.keras`` file, or a legacy ``.h5`` file of a whole model.
    out: a folder for ``model.safetensors`` and ``architecture.yaml``, or the name of a
        ``.safetensors`` file for the bundle alone. None: a folder called as the model.
    name: the model's; None: the file's.
    classes: the names of the classes in order; or as text, ``a,b,c`` or the name of a JSON file
        with a list or with Keras's ``class_indices``. None: what cnnlab noted in the file, or
        their numbers.
    scale: the range of what the model takes: "255", "1" or "minus-one-to-one"; None: what its own
        first layers tell.
    image_size: height and width, where the model takes images of any size.
    weights: a ``.weights.h5`` file whose weights take the place of the file's.
    force: replace files that are there.
    say: is told what was changed, left out or taken for granted.

    Raises :class:`DataError` for a damaged or hostile file, :class:`ArchitectureError` for a layer
    that there is not here, :class:`ConfigError` where something has to be said, and
    :class:`InputError` where a file is in the way or a library is missing.
    """
    require_libraries("h5py")
    from cnnlab.interop.keras.container import open_keras

    source = Path(source)
    called = name or source.name.removesuffix(source.suffix) or "model"
    path, architecture_path = _places(Path(called if out is None else out), force=force)
    with open_keras(source, None if weights is None else Path(weights)) as file:
        bundle, notes = _bundle_of(
            file, called, classes=classes, scale=scale, image_size=image_size
        )
    for line in notes:
        say(f"{source}: {printable(line)}")
    size = _write(bundle, path, architecture_path)
    return Imported(path, architecture_path, size, replace(bundle, source=path), tuple(notes))


def _places(out: Path, *, force: bool) -> tuple[Path, Path | None]:
    """Where to write bundle and architecture; raises before anything is read."""
    path, beside = (out, None) if out.suffix == _ENDING else (out / _BUNDLE, out / _ARCHITECTURE)
    with storage_errors(out):
        if path.is_dir() or (beside is not None and out.is_file()):
            raise InputError(
                "a file is called like that" if out.is_file() else "a folder",
                where=out,
                expected=f"a folder's name, or a file's that ends in {_ENDING}",
            )
        there = [file for file in (path, beside) if file is not None and file.exists()]
    if there and not force:
        todo = "choose another --out, or add --force"
        raise InputError("the file is there already", where=there[0], todo=todo)
    return path, beside


def _bundle_of(
    file: KerasFile,
    name: str,
    *,
    classes: str | Sequence[str] | None,
    scale: str | None,
    image_size: tuple[int, int] | None,
) -> tuple[Bundle, list[str]]:
    from cnnlab.interop.keras.chain import chain_of
    from cnnlab.interop.keras.front import front_of, split_front
    from cnnlab.interop.keras.head import head_of
    from cnnlab.interop.keras.translation import check_precision, left_out, translated

    nodes = chain_of(file.content, str(file.path))
    notes = [*check_precision(nodes), *left_out(nodes)]
    begin, rest = split_front(nodes)
    pieces = translated(rest)  # first: what there is not here matters more than a range
    front = front_of(begin, rest, file.store, scale=scale, image_size=image_size)
    head = head_of(pieces, file.content)
    architecture = _architecture(name, front, head, str(file.path))
    tensors = _tensors(file, architecture, head)
    names, note = class_names_of(classes, file.facts, architecture.classes, where=file.path)
    bundle = _assembled(file, architecture, front, names, tensors)
    return bundle, [*notes, *front.notes, *head.notes, *note]


def _architecture(name: str, front: Front, head: Head, where: str) -> Architecture:
    """The architecture; its last layer's width follows the number of classes."""
    from cnnlab.errors import ArchitectureError
    from cnnlab.models import Architecture

    items = [dict(piece.item) for piece in head.pieces]
    widths = [key for item in items for key in ("units", "filters") if key in item]
    if not widths:
        raise ArchitectureError("no layer of it has weights", where=where)
    last = next(item for item in reversed(items) if "units" in item or "filters" in item)
    key = "units" if "units" in last else "filters"
    classes, last[key] = last[key], "classes"
    return Architecture(
        name=name,
        input_shape=front.input_shape,
        classes=classes,
        layers=tuple(items),
        source=where,
    )


def _tensors(file: KerasFile, architecture: Architecture, head: Head) -> dict[str, torch.Tensor]:
    """Every weight by its name in our network, read once its shape is known."""
    import torch

    from cnnlab.interop.keras.rules import check_axis
    from cnnlab.interop.keras.variables import variables_of

    tensors = {}
    steps = architecture.steps
    for piece, step in zip(head.pieces, steps, strict=True):
        check_axis(piece.node, len(step.input_shape))
        variables = variables_of(step)
        if not variables:
            continue
        is_one = head.binary and step is steps[-1]
        shapes = [(*v.shape[:-1], 1) if is_one else v.shape for v in variables]
        arrays = file.store.arrays(piece.node, shapes)
        if is_one:  # the logit of "no" is 0
            arrays = [np.concatenate([np.zeros_like(array), array], axis=-1) for array in arrays]
        for variable, array in zip(variables, arrays, strict=True):
            name = f"{step.name}.{variable.name}"
            tensors[name] = torch.from_numpy(variable.to_torch(array))
    return tensors


def _assembled(
    file: KerasFile,
    architecture: Architecture,
    front: Front,
    class_names: tuple[str, ...],
    tensors: dict[str, torch.Tensor],
) -> Bundle:
    from cnnlab.bundle import Bundle
    from cnnlab.inference import digest_of_tensors, network_with

    named = {f"model.{name}": value for name, value in tensors.items()}
    network = network_with(architecture, named, where=file.path)
    temperature = file.facts.get("temperature")
    is_number = isinstance(temperature, float | int) and 0 < temperature < 1e6
    return Bundle(
        name=architecture.name,
        architecture=architecture,
        network=network,
        preprocessing=front.preprocessing,
        class_names=class_names,
        temperature=float(temperature) if is_number and temperature else None,
        origin={
            "imported_from": file.path.name,
            "file_sha256": file.sha256,
            "weights_sha256": digest_of_tensors(named),
            "keras": file.version,
            "cnnlab": version("cnnlab"),
        },
        source=file.path,
    )


def _write(bundle: Bundle, path: Path, architecture_path: Path | None) -> int:
    """Write the bundle, once it opens again; then the architecture."""
    from cnnlab.bundle import open_bundle

    with atomic_path(path) as temporary:
        bundle.save(temporary)
        if open_bundle(temporary).origin != bundle.origin:
            raise CheckFailed("the bundle that was read back is another one", where=path)
        size = temporary.stat().st_size
    if architecture_path is not None:
        write_text(architecture_path, dump_yaml(bundle.architecture.to_dict()))
    return size
