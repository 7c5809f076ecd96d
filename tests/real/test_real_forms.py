"""300 real photographs brought to every form of file, each by an independent writer."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet as pq
from sklearn.datasets import load_digits

from cnnlab.data import SOURCES, ReadOptions, open_dataset
from cnnlab.data.dataset import Dataset

CLASSES = ("airplane", "bird", "cat")
EACH = {"train": 60, "test": 40}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first hundred test images of three classes of CIFAR-10-JPEG, parted anew."""
    found = SOURCES.get("cifar10-jpeg").find()
    if found is None:
        pytest.skip("cifar10-jpeg.tar.xz is not in CNNLAB_DATA")
    wanted = {
        f"test/{name}/{number:04d}.jpg": f"{part}/{name}/{number:04d}.jpg"
        for name in CLASSES
        for number, part in enumerate(part for part in EACH for _ in range(EACH[part]))
    }
    place = tmp_path_factory.mktemp("photos") / "photos"
    with tarfile.open(found.path, "r|xz") as archive:
        for member in archive:
            target = wanted.pop("/".join(member.name.split("/")[-3:]), None)
            stream = archive.extractfile(member) if target else None
            if target and stream is not None:
                (place / target).parent.mkdir(parents=True, exist_ok=True)
                (place / target).write_bytes(stream.read())
            if not wanted:
                break
    assert not wanted
    return place


def files_of(folder: Path, part: str) -> list[Path]:
    return [path for name in CLASSES for path in sorted((folder / part / name).iterdir())]


def pixels_of(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def as_npz(folder: Path, place: Path) -> Path:
    arrays: dict[str, object] = {"class_names": CLASSES}
    for part in EACH:
        files = files_of(folder, part)
        arrays[f"x_{part}"] = np.stack([pixels_of(path) for path in files])
        arrays[f"y_{part}"] = [CLASSES.index(path.parent.name) for path in files]
    np.savez_compressed(place / "photos.npz", **arrays)
    return place / "photos.npz"


def as_float_npz(folder: Path, place: Path) -> Path:
    with np.load(as_npz(folder, place)) as plain:
        arrays = dict(plain)
    for part in EACH:
        arrays[f"x_{part}"] = np.moveaxis(arrays[f"x_{part}"], -1, 1).astype(np.float32) / 255
        arrays[f"y_{part}"] = np.eye(len(CLASSES))[arrays[f"y_{part}"]]
    np.savez(place / "photos.npz", **arrays)
    return place / "photos.npz"


def as_parquet(folder: Path, place: Path) -> Path:
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": CLASSES}}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    for part in EACH:
        files = files_of(folder, part)
        for number, half in enumerate((files[::2], files[1::2])):
            images = [{"bytes": path.read_bytes(), "path": path.name} for path in half]
            labels = [CLASSES.index(path.parent.name) for path in half]
            table = pa.table({"image": images, "label": labels}).replace_schema_metadata(metadata)
            (place / "data").mkdir(exist_ok=True)
            name = f"{part}-{number:05d}-of-00002.parquet"
            pq.write_table(table, place / "data" / name, row_group_size=50)
    return place


def as_csv(folder: Path, place: Path) -> Path:
    with (folder.parent / "photos.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["split", "path", "what"])
        for part in EACH:
            for path in files_of(folder, part):
                writer.writerow([part, path.relative_to(folder.parent), path.parent.name])
    return folder.parent / "photos.csv"


def as_archive(folder: Path, place: Path) -> Path:
    with tarfile.open(place / "photos.tbz2", "w:bz2") as archive:
        archive.add(folder, "photos")
    return place / "photos.tbz2"


def as_kaggle(folder: Path, place: Path) -> Path:
    """PNG files without their classes, ids in a table, and the test images without labels."""
    files = files_of(folder, "train")
    rows = [(f"{number:03d}x", path.parent.name) for number, path in enumerate(files)]
    (place / "train").mkdir()
    for (name, _), path in zip(rows, files, strict=True):
        stream = io.BytesIO()
        Image.fromarray(pixels_of(path)).save(stream, "PNG")
        (place / "train" / f"{name}.png").write_bytes(stream.getvalue())
    with (place / "trainLabels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "label"), *rows])
    return place


FORMS = {
    "npz": as_npz,
    "float npz, channels first, one-hot": as_float_npz,
    "csv": as_csv,
    "tbz2": as_archive,
}


def rows_of(dataset: Dataset, part: str) -> tuple[NDArray[np.uint8], list[str]]:
    rows = dataset.rows_of(part)
    return dataset.images[rows], [dataset.class_names[label] for label in dataset.labels[rows]]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_folders_dataset(form: str, folder: Path, tmp_path: Path) -> None:
    expected = open_dataset(str(folder))
    options = ReadOptions(own={"label_column": "what"} if form == "csv" else {})
    dataset = open_dataset(str(FORMS[form](folder, tmp_path)), options=options)
    assert dataset.fingerprint == expected.fingerprint
    assert dataset.parts == {"train": 180, "test": 120}
    assert dataset.class_names == CLASSES


def test_shards_of_parquet_give_the_folders_images_in_their_order(
    folder: Path, tmp_path: Path
) -> None:
    expected, dataset = open_dataset(str(folder)), open_dataset(str(as_parquet(folder, tmp_path)))
    for part in EACH:
        images, names = rows_of(expected, part)
        found, found_names = rows_of(dataset, part)
        np.testing.assert_array_equal(found, np.concatenate([images[::2], images[1::2]]))
        assert found_names == names[::2] + names[1::2]


def test_kaggles_layout_gives_the_folders_images(folder: Path, tmp_path: Path) -> None:
    images, names = rows_of(open_dataset(str(folder)), "train")
    found, found_names = rows_of(open_dataset(str(as_kaggle(folder, tmp_path))), "train")
    np.testing.assert_array_equal(found, images)
    assert found_names == names


def test_scikit_learns_digits_with_their_own_white(tmp_path: Path) -> None:
    digits = load_digits()
    np.savez(tmp_path / "digits.npz", images=digits.images, target=digits.target)
    dataset = open_dataset(str(tmp_path / "digits.npz"), options=ReadOptions(own={"white": 16}))
    np.testing.assert_allclose(
        dataset.images[..., 0] / 255 * 16, digits.images, atol=0.5 * 16 / 255
    )
    np.testing.assert_array_equal(dataset.labels, digits.target)
