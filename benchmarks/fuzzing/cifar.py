"""CIFAR's two forms: records of bytes, and pickled dictionaries.

Silently wrong: a pixel or a label other than a slice of the record says, or than Python's own
``pickle`` gives where that is let call NumPy's constructors and nothing else; a command that a
pickle names and that was run.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.data.cifar10 import CLASS_NAMES
from fuzzing.case import Case, Wrong
from fuzzing.images import SOUND_SHARE
from fuzzing.labelled import Expected, LabelledFamily, base_pixels
from fuzzing.mutations import damage, extreme, mutate
from fuzzing.pickles import hostile, other_opcode, unpickled

__all__ = ["CIFAR"]

_BATCHES = (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")
_RECORD = 3073


def _batch(number: int) -> tuple[list[bytes], list[int]]:
    """The planes of two images and their labels."""
    images = [base_pixels(100 + 2 * number + n, 32, 3) for n in range(2)]
    return [i.transpose(2, 0, 1).tobytes() for i in images], [(2 * number + n) % 10 for n in (0, 1)]


def _rows(batches: Sequence[tuple[np.ndarray[Any, Any], Sequence[int]]]) -> list[Expected]:
    rows = []
    for number, (planes, labels) in enumerate(batches):
        part = "test" if number == len(batches) - 1 else "train"
        if len(planes) != len(labels):
            raise Wrong("labels and images are not as many")
        for plane, label in zip(planes, labels, strict=True):
            pixels = np.asarray(plane, dtype=np.uint8).reshape(3, 32, 32).transpose(1, 2, 0)
            if label < 0:
                raise Wrong(f"the label {label}")
            rows.append(Expected(pixels, CLASS_NAMES[label], part))
    return rows


class CifarBinaryFamily(LabelledFamily):
    """``data_batch_1.bin`` and its kin."""

    name = "cifar-binary"

    def case(self, rng: random.Random) -> Case:
        files = {"set/batches.meta.txt": "\n".join([*CLASS_NAMES, ""]).encode()}
        for number, name in enumerate(_BATCHES):
            planes, labels = _batch(number)
            records = [bytes([label]) + plane for label, plane in zip(labels, planes, strict=True)]
            files[f"set/{name}.bin"] = b"".join(records)
        if rng.random() < SOUND_SHARE:
            return Case(files, "set")
        name = rng.choice(list(files))
        way = rng.choice(
            ("bytes", "bytes", "label", "record", "missing", "names", "archive", "swap")
        )
        said = [f"{name}: {way}"]
        if way == "bytes":
            files[name], more = mutate(rng, files[name], damage)
            said += more
        elif way == "label":
            at = rng.choice((0, _RECORD))
            files[name] = files[name][:at] + bytes([rng.randrange(256)]) + files[name][at + 1 :]
        elif way == "record":
            files[name] = rng.choice((files[name][:_RECORD], files[name] * 2, files[name][1:], b""))
        elif way == "missing":
            del files[name]
        elif way == "swap":
            other = rng.choice(list(files))
            files[name], files[other] = files[other], files[name]
        elif way == "names":
            files["set/batches.meta.txt"] = rng.choice(
                (
                    b"cat\ndog\n",
                    b"",
                    b"\xff\xfe\0",
                    "\n".join(CLASS_NAMES[::-1]).encode(),
                    "\r\n".join(CLASS_NAMES).encode(),
                    b"x" * 100_000,
                )
            )
        else:
            files = {"cifar-10-binary.tar.gz": rng.choice((b"", b"\x1f\x8b", rng.randbytes(500)))}
            return Case(files, "cifar-10-binary.tar.gz", tuple(said))
        return Case(files, "set", tuple(said))

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        batches = []
        listed = folder / "set/batches.meta.txt"
        if listed.exists() and listed.read_text("latin-1").split() != [*CLASS_NAMES]:
            raise Wrong("the list of classes is another")
        for name in _BATCHES:
            data = (folder / f"set/{name}.bin").read_bytes()
            if not data or len(data) % _RECORD:
                raise Wrong("no whole records")
            rows = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
            batches.append((rows[:, 1:], rows[:, 0].tolist()))
        return _rows(batches)


def _pickled(rng: random.Random, content: dict[Any, Any]) -> bytes:
    return pickle.dumps(content, protocol=rng.randrange(6))


def _other_content(rng: random.Random, content: dict[Any, Any]) -> str:
    """Put something else into the dictionary."""
    labels, data = b"labels" if b"labels" in content else "labels", None
    data = b"data" if b"data" in content else "data"
    way = rng.choice(("label", "labels", "data", "type", "drop", "key"))
    if way == "label":
        content[labels] = [extreme(rng), rng.choice((1, True, "1", None, 1.0, b"1"))]
    elif way == "labels":
        content[labels] = rng.choice(
            (
                [1],
                [],
                None,
                "12",
                (1, 2),
                np.array([1, 2]),
                np.array([[1, 2]]),
                np.array([1.0, 2.0]),
                np.array([1, 200], np.uint8),
                np.array([-1, 2], ">i4"),
                {},
                [[1], [2]],
                [np.int64(3), 4],
            )
        )
    elif way == "data":
        shape = rng.choice(((2, 3072), (1, 3072), (0, 3072), (6144,), (2, 3, 32, 32), (3072, 2)))
        content[data] = np.zeros(shape, dtype=np.uint8)
    elif way == "type":
        content[data] = rng.choice(
            (
                np.asfortranarray(content[data]),
                content[data].astype(">i2"),
                bytes(content[data]),
                content[data].tolist(),
                content[data].astype("f4"),
                bytes(3071),
                None,
                "x" * 6144,
            )
        )
    elif way == "drop":
        del content[rng.choice([*content])]
    else:
        content[rng.choice((1, ("a",), b"more", "\n", None))] = rng.choice((1, [[]], {}, b"x" * 99))
    return way


class CifarPickleFamily(LabelledFamily):
    """``data_batch_1`` and its kin, in any protocol, of Python 2 and 3."""

    name = "cifar-python"

    def case(self, rng: random.Random) -> Case:
        as_bytes = rng.random() < 0.5
        files = {}
        wrong = rng.choice(_BATCHES) if rng.random() > SOUND_SHARE else ""
        said: list[str] = []
        for number, name in enumerate(_BATCHES):
            planes, labels = _batch(number)
            content: dict[Any, Any] = {
                "batch_label": name,
                "labels": labels,
                "data": np.frombuffer(b"".join(planes), np.uint8).reshape(2, 3072).copy(),
            }
            if as_bytes:
                content = {key.encode(): value for key, value in content.items()}
            way = rng.choice(("content", "content", "opcode", "opcode", "bytes", "hostile"))
            if name == wrong and way == "content":
                said.append(_other_content(rng, content))
            data = _pickled(rng, content)
            if name == wrong and way == "hostile":
                data, what = hostile(rng), "a hostile pickle"
                said.append(what)
            elif name == wrong and way in ("opcode", "bytes"):
                data, more = mutate(rng, data, other_opcode, 0.7 if way == "opcode" else 0.0)
                said += more
            files[f"set/{name}"] = data
        if rng.random() < 0.3:
            files["set/batches.meta"] = _pickled(rng, {"label_names": [*CLASS_NAMES]})
            if wrong and rng.random() < 0.3:
                files["set/batches.meta"], more = mutate(
                    rng, files["set/batches.meta"], other_opcode
                )
                said += more
        return Case(files, "set", tuple(said))

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        batches = []
        for name in _BATCHES:
            content = unpickled((folder / "set" / name).read_bytes())
            found = {
                k.decode("latin-1") if isinstance(k, bytes) else k: v for k, v in content.items()
            }
            planes, labels = found["data"], found["labels"]
            if isinstance(planes, bytes | bytearray):
                planes = np.frombuffer(bytes(planes), np.uint8).reshape(-1, 3072)
            if not isinstance(planes, np.ndarray) or planes.dtype != np.uint8:
                raise Wrong(f"'data' is {type(planes).__name__}")
            batches.append((planes.reshape(len(planes), 3072), [_whole(label) for label in labels]))
        return _rows(batches)


def _whole(label: Any) -> int:
    if isinstance(label, bool | str | bytes) or int(label) != label:
        raise Wrong(f"the label {label!r}")
    return int(label)


CIFAR = (CifarBinaryFamily(), CifarPickleFamily())
