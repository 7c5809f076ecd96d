"""IDX files and NumPy's ``.npz``.

Silently wrong: pixels or labels other than slices of the files say. IDX is read again with
``struct`` and ``gzip``, npz with NumPy's own reader. Labels without names are called by their
numbers; floats and other integers are scaled by the rule of docs/data.md (0 to 1, or 0 to 255).
"""

from __future__ import annotations

import gzip
import io
import random
import struct
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzing.case import Case, NotJudged, Wrong
from fuzzing.images import SOUND_SHARE
from fuzzing.labelled import Expected, LabelledFamily, base_pixels
from fuzzing.mutations import EXTREMES, TEXTS, damage, extreme, mutate, number_bytes

__all__ = ["ARRAYS"]

_COUNTS = {"train": 5, "t10k": 3}


def _images(part: str) -> NDArray[np.uint8]:
    start = 40 if part == "train" else 60
    return np.stack([base_pixels(start + n, 8, 1)[..., 0] for n in range(_COUNTS[part])])


def _labels(part: str) -> NDArray[np.uint8]:
    return np.arange(_COUNTS[part], dtype=np.uint8) % 3


def _idx(array: NDArray[np.uint8]) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def _idx_header(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Another type, number of dimensions, or size."""
    at, size = rng.choice(((0, 2), (2, 1), (3, 1), (4, 4), (8, 4), (12, 4)))
    value = rng.choice((extreme(rng), rng.randrange(16), *EXTREMES[:4]))
    return data[:at] + number_bytes(value, size, "big") + data[at + size :], f"{value} at {at}"


class IdxFamily(LabelledFamily):
    """The four files of MNIST's kin, compressed or not."""

    name = "idx"

    def case(self, rng: random.Random) -> Case:
        files: dict[str, bytes] = {}
        for part in _COUNTS:
            for kind, array in (("images-idx3", _images(part)), ("labels-idx1", _labels(part))):
                packed = rng.random() < 0.4
                data = _idx(array)
                name = f"set/{part}-{kind}-ubyte{'.gz' if packed else ''}"
                files[name] = gzip.compress(data, 1, mtime=0) if packed else data
        said: tuple[str, ...] = ()
        if rng.random() > SOUND_SHARE:
            said = _damage_idx(rng, files)
        return Case(files, "set", said)

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        rows = []
        for part, name in (("train", "train"), ("t10k", "test")):
            images = _read_idx(folder / "set", f"{part}-images-idx3-ubyte")
            labels = _read_idx(folder / "set", f"{part}-labels-idx1-ubyte")
            if images.ndim != 3 or labels.shape != images.shape[:1]:
                raise Wrong(f"{labels.shape} labels for {images.shape} images")
            rows += [
                Expected(image[..., None], str(label), name)
                for image, label in zip(images, labels, strict=True)
            ]
        return rows


def _damage_idx(rng: random.Random, files: dict[str, bytes]) -> tuple[str, ...]:
    name = rng.choice(list(files))
    data, packed = files[name], name.endswith(".gz")
    way = rng.random()
    if way < 0.04:
        del files[name]
        return (f"{name} is missing",)
    if way < 0.08:
        other = rng.choice(list(files))
        files[name], files[other] = files[other], files[name]
        return (f"{name} and {other} are exchanged",)
    if packed and way < 0.12:
        bomb = _idx(_images("train"))[:4] + struct.pack(">3I", 60_000, 28, 28) + bytes(50 << 20)
        files[name] = gzip.compress(bomb, 1, mtime=0)
        return (f"{name} is a bomb",)
    if packed and rng.random() < 0.7:
        data, said = mutate(rng, gzip.decompress(data), _idx_header)
        files[name] = gzip.compress(data, 1, mtime=0)
        if rng.random() < 0.2:
            files[name] += rng.choice((files[name], bytes(8), rng.randbytes(20)))
            said += ("more behind the compressed data",)
    else:
        files[name], said = mutate(rng, data, _idx_header)
    return tuple(f"{name}: {each}" for each in said)


def _read_idx(folder: Path, name: str) -> NDArray[np.uint8]:
    plain = folder / name
    data = (plain if plain.is_file() else folder / f"{name}.gz").read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    zero, kind, dimensions = struct.unpack(">HBB", data[:4])
    shape = struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions)
    if zero or kind != 8 or values.size != int(np.prod(shape, dtype=object)):
        raise Wrong("the header does not fit")
    return values.reshape(shape)


def _npy(
    array: NDArray[Any], header: str | None = None, version: tuple[int, int] = (1, 0)
) -> bytes:
    """The bytes of an array; ``header`` instead of its own where given."""
    text = header or repr({"descr": array.dtype.str, "fortran_order": False, "shape": array.shape})
    width = 2 if version == (1, 0) else 4
    line = text.encode("latin-1", "replace") + b"\n"
    size = len(line).to_bytes(width, "little") if len(line) < 65536 else b"\xff" * width
    return b"\x93NUMPY" + bytes(version) + size + line + array.tobytes()


_TYPES = (
    "|u1",
    "<f4",
    "<f8",
    "<f2",
    ">i4",
    "|b1",
    "<i8",
    "|O",
    "|S3",
    "<U2",
    "<c8",
    "<M8[s]",
    "|V4",
)
_SHAPES = (
    *("(5, 8, 8)", "(5, 8, 8, 1)", "(2**62, 8, 8)", "(-1, 8, 8)", "(5, 64)", "()", "(0, 8, 8)"),
    *("(5, 8, 8.0)", "'x'", "(5, 1, 8, 8)", "(320,)", "(True, 320)", "(5, 3, 8, 8)", "[5, 8, 8]"),
)


def _odd_npy(rng: random.Random, array: NDArray[Any]) -> bytes:
    """An array with another header, or other values."""
    way = rng.randrange(5)
    if way == 0:
        header = (
            f"{{'descr': {rng.choice(_TYPES)!r}, 'fortran_order': {rng.choice((True, False, 2))}, "
            f"'shape': {rng.choice((*_SHAPES, str(array.shape)))}}}"
        )
        return _npy(array, header, rng.choice(((1, 0), (2, 0), (3, 0), (9, 9))))
    if way == 1:
        deep = rng.choice(("(" * 3000, "[" * 500 + "]" * 500, "{'descr': '|u1'}", "1" * 5000, "é"))
        return _npy(array, deep)
    if way == 2:
        scale = rng.choice((1 / 255, 1.0, 255.0, 1e300, -1.0, np.nan, np.inf, 257.0))
        with np.errstate(all="ignore"):
            values = (array * scale).astype(rng.choice(("<f8", "<f4", "<f2", ">f4", "<i4", "<u8")))
        return _npy(values)
    if way == 3:
        return _npy(
            np.asfortranarray(array).T,
            repr({"descr": array.dtype.str, "fortran_order": True, "shape": array.shape}),
        )
    texts = np.array([rng.choice(TEXTS[:25]) for _ in array], dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        as_text = [
            str(text).encode("utf-8", "surrogatepass").decode("utf-8", "replace") for text in texts
        ]
    return _npy(np.array(as_text))


class NpzFamily(LabelledFamily):
    """``x_train``, ``y_train``, ``x_test`` and ``y_test`` in a zip."""

    name = "npz"

    def case(self, rng: random.Random) -> Case:
        members: dict[str, NDArray[Any]] = {}
        for part, name in (("train", "train"), ("t10k", "test")):
            labels = _labels(part).astype(rng.choice(("<i8", "|u1", "<i4", "<f4", ">i2")))
            if rng.random() < 0.2:
                labels = np.eye(3, dtype=labels.dtype)[_labels(part)]
            members |= {f"x_{name}": _images(part), f"y_{name}": labels}
        packed = {f"{name}.npy": _npy(array) for name, array in members.items()}
        said: list[str] = []
        if rng.random() > SOUND_SHARE:
            name = rng.choice(list(members))
            way = rng.choice(("array", "array", "array", "bytes", "name", "more", "file"))
            said.append(f"{name}: {way}")
            if way == "array":
                packed[f"{name}.npy"] = _odd_npy(rng, members[name])
            elif way == "bytes":
                packed[f"{name}.npy"], more = mutate(rng, packed[f"{name}.npy"], damage)
                said += more
            elif way == "name":
                other = rng.choice(("../x.npy", "x.npy", f"{name}.txt", "images.npy", "y_test.npy"))
                packed[other] = packed.pop(f"{name}.npy")
            elif way == "more":
                packed["class_names.npy"] = _npy(
                    np.array(
                        rng.choice(
                            (
                                ["a", "b", "c"],
                                ["a", "a", "c"],
                                ["a", "b"],
                                ["", "b", "c"],
                                ["\x1b[2J", "b", "c"],
                            )
                        )
                    )
                )
        data = _zipped(packed, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        if "file" in " ".join(said):
            data, more = mutate(rng, data, damage)
            said += more
        return Case({"set.npz": data}, "set.npz", tuple(said))

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with np.load(folder / case.source, allow_pickle=False) as saved:
                arrays = {name: saved[name] for name in saved.files}
        if {*arrays} - {"class_names"} != {"x_train", "y_train", "x_test", "y_test"}:
            raise NotJudged("other names")
        white = _white([arrays["x_train"], arrays["x_test"]])
        names = [str(name) for name in arrays.get("class_names", [])]
        rows = []
        for part in ("train", "test"):
            pixels = np.rint(arrays[f"x_{part}"].astype(float) * (255 / white)).astype(np.uint8)
            pixels = pixels if pixels.ndim == 4 else pixels[..., None]
            if pixels.shape[-1] not in (1, 3, 4):
                raise NotJudged("the channels come first")
            labels = _labels_as_text(arrays[f"y_{part}"], names)
            if len(labels) != len(pixels):
                raise Wrong("labels and images are not as many")
            rows += [Expected(p, t, part) for p, t in zip(pixels, labels, strict=True)]
        return rows


def _white(images: list[NDArray[Any]]) -> float:
    """255 where bytes are said or values reach half-way up to it, else 1; for both parts one."""
    if all(array.dtype == bool or array.max(initial=0) <= 1 for array in images) and not any(
        array.dtype == np.uint8 for array in images
    ):
        return 1.0
    return 255.0


def _labels_as_text(values: NDArray[Any], names: list[str]) -> list[str]:
    if values.ndim == 2 and values.shape[1] > 1:
        values = values.argmax(axis=1)
    values = values.reshape(-1)
    if values.dtype.kind == "U":
        return [str(value) for value in values]
    if values.dtype.kind == "S":
        return [bytes(value).decode() for value in values]
    return [names[int(value)] if names else str(int(value)) for value in values]


def _zipped(members: dict[str, bytes], method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return stream.getvalue()


ARRAYS = (IdxFamily(), NpzFamily())
