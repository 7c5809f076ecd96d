"""The same small images in every form of file that the README and the page on data name."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet
from small import write_images


def write_pets(place: Path) -> None:
    """Class folders, packed ones, a table, arrays and Parquet files of 60 images in two classes."""
    folder = write_images(place / "pets", classes=2, each=30)
    for kind in ("zip", "bztar"):
        shutil.make_archive(str(folder), kind, place, folder.name)
    files = sorted(folder.rglob("*.png"))
    names = [path.parent.name for path in files]
    rows = [(path.relative_to(place), name) for path, name in zip(files, names, strict=True)]
    _write_table(place / "pets.csv", ("file", "label"), *rows)
    pixels = np.stack([np.asarray(Image.open(path)) for path in files])
    np.savez(place / "pets.npz", x=pixels, y=names)
    table = pa.table({"image": [path.read_bytes() for path in files], "label": names})
    parquet.write_table(table, place / "pets.parquet")
    (place / "pets-hub" / "data").mkdir(parents=True)
    for part, rest in (("train", 0), ("test", 1)):
        rows_of_part = table.take(np.flatnonzero(np.arange(60) % 3 // 2 == rest))
        name = f"{part}-00000-of-00001.parquet"
        parquet.write_table(rows_of_part, place / "pets-hub" / "data" / name)


def write_more(place: Path) -> None:
    """What else the page on data shows: a flat folder, an odd table, and digits of 0 to 16."""
    (place / "scans").mkdir()
    for number, path in enumerate(sorted((place / "pets").rglob("*.png"))):
        shutil.copy(path, place / "scans" / f"{number}.png")
    rows = [(f"{number}.png", f"class {number // 30}") for number in range(60)]
    _write_table(place / "scans" / "labels.csv", ("file", "label"), *rows)
    odd = [
        (f"P{number}", f"scans/{file}", label, "1.5") for number, (file, label) in enumerate(rows)
    ]
    _write_table(place / "clinic.csv", ("patient", "scan", "finding", "weight"), *odd)
    digits = np.random.default_rng(0).integers(0, 17, (60, 8, 8)).astype(float)
    np.savez(place / "digits.npz", images=digits, target=np.arange(60) % 3)


def _write_table(path: Path, *rows: tuple[object, ...]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
