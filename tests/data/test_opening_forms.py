"""Image size and channels of what follows them, and of what comes in one form only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import test_fashion_mnist
from cifar10_files import write_folder

from cnnlab.data import SOURCES, fashion_mnist, forms, open_dataset
from cnnlab.data.cifar10 import BINARY, CIFAR10
from cnnlab.data.cifar100 import CIFAR100
from cnnlab.data.forms import csv_file, image_files, npz, parquet
from cnnlab.data.source import ReadOptions
from cnnlab.errors import ConfigError


def entries(home: Path) -> set[str]:
    """The decoded datasets that are kept."""
    return {meta.parent.name for meta in (home / "datasets").glob("*/meta.json")}


def test_each_source_and_form_says_whether_it_follows() -> None:
    assert {name for name in SOURCES if SOURCES.get(name).follows_form} == {"cifar10-jpeg"}
    follow = (npz.FORM, csv_file.FORM, parquet.FORM, image_files.FORM)
    assert tuple(form for form in forms.FORMS if form.follows_form) == follow
    others = [form.read for form in forms.FORMS if not form.follows_form]
    assert others == [CIFAR10.read_path, CIFAR100.read_path, fashion_mnist.read_path]


@pytest.mark.parametrize("kind", ["digits", "cifar10", "idx"])
def test_what_comes_in_one_form_is_decoded_once_whatever_is_asked(
    kind: str, home: Path, tmp_path: Path
) -> None:
    source = {
        "digits": lambda: "digits",
        "cifar10": lambda: str(write_folder(BINARY, tmp_path / "batches")),
        "idx": lambda: str(test_fashion_mnist.write(tmp_path / "idx")),
    }[kind]()
    first = open_dataset(source)
    side, _, channels = first.image_shape
    kept = entries(home)
    assert len(kept) == 1
    lines: list[str] = []
    same = open_dataset(
        source, options=ReadOptions(side, channels), say=lines.append, tell_notes=False
    )
    np.testing.assert_array_equal(same.images, first.images)
    for options in (ReadOptions(side + 1), ReadOptions(channels=4 - channels)):
        with pytest.raises(ConfigError, match=r"comes as .* can be chosen for cifar10-jpeg, and"):
            open_dataset(source, options=options, say=lines.append)
    assert lines == []
    assert entries(home) == kept


def test_both_sides_count(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del home
    arrays = {
        name: array[:, :, :20] if array.ndim == 3 else array
        for name, array in test_fashion_mnist.ARRAYS.items()
    }
    monkeypatch.setattr(test_fashion_mnist, "ARRAYS", arrays)
    folder = test_fashion_mnist.write(tmp_path / "idx")
    assert open_dataset(str(folder)).image_shape == (28, 20, 1)
    with pytest.raises(ConfigError, match="comes as 28x20 pixels with 1 channels"):
        open_dataset(str(folder), options=ReadOptions(28))
