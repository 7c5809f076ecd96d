"""Small class folders, and archives of them, good and hostile."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ARCHIVES = ("zip", "tar", "tar.gz", "tar.xz", "tar.bz2")


def pixels(seed: int, height: int = 8, width: int = 8, channels: int = 3) -> NDArray[np.uint8]:
    """Noise, uint8 ``[height, width, channels]``, or ``[height, width]`` for one channel."""
    generator = np.random.default_rng(seed)
    shape = (height, width) if channels == 1 else (height, width, channels)
    return generator.integers(0, 256, shape, dtype=np.uint8)


def encoded(image: Image.Image | NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
    """An image file's bytes."""
    stream = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(stream, kind, **options)  # type: ignore[arg-type]  # Pillow's own options
    return stream.getvalue()


def write_classes(root: Path, counts: Mapping[str, int], **form: int) -> Path:
    """Write ``counts[folder]`` PNG files into each folder; every image differs."""
    seed = 0
    for folder, count in counts.items():
        place = root / folder
        place.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (place / f"{number}.png").write_bytes(encoded(pixels(seed, **form)))
            seed += 1
    return root


def pack(folder: Path, kind: str, prefix: str = "") -> Path:
    """Pack a folder's content, under a wrapping folder where ``prefix`` names one."""
    path = folder.with_name(f"{folder.name}.{kind}")
    members = {prefix + str(p.relative_to(folder)): p for p in sorted(folder.rglob("*"))}
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, member in members.items():
                zipped.write(member, name)
        return path
    compression = kind.partition(".")[2]
    with tarfile.open(path, f"w:{compression}") as tar:  # type: ignore[call-overload]  # a variable
        for name, member in members.items():
            tar.add(member, name, recursive=False)
    return path


def tar_of(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """Write a tar of hand-made members."""
    with tarfile.open(path, "w") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
