"""Looking at files before they are decoded: every broken one is named, the others are read."""

from __future__ import annotations

import numpy as np
import pytest
from class_folders import encoded, pack, pixels, write_classes

from cnnlab.data import open_dataset, open_sound, survey_files
from cnnlab.errors import DataError


@pytest.fixture
def damaged(tmp_path):
    """Twelve sound images, and twelve that are cut off or no images, over both parts."""
    folder = write_classes(
        tmp_path / "pets", {"train/a": 5, "train/b": 4, "test/a": 2, "test/b": 1}
    )
    for number in range(10):
        whole = encoded(pixels(99 + number))
        (folder / "train" / "a" / f"cut{number}.png").write_bytes(whole[: len(whole) // 2])
    (folder / "test" / "b" / "text.png").write_text("no image")
    (folder / "test" / "b" / "new.heic").write_bytes(b"x")
    return folder


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_case_9_all_that_is_broken_is_named_and_the_rest_is_read(damaged, kind):
    path = damaged if kind == "folder" else pack(damaged, kind)
    with pytest.raises(DataError, match=r"12 of 24 .* and 2 more"):
        open_dataset(str(path))
    survey = survey_files(str(path))
    broken = survey.broken()
    assert len(broken) == 12
    assert set(broken) == {
        *(f"train/a/cut{number}.png" for number in range(10)), "test/b/text.png", "test/b/new.heic",
    }  # fmt: skip
    assert all(broken.values())
    dataset = open_sound(survey)
    assert dict(dataset.parts) == {"train": 9, "test": 3}
    assert np.bincount(dataset.labels).tolist() == [7, 5]
    files = survey.sound().layout.files
    assert [file.split("/")[1] for file in files] == [
        dataset.class_names[label] for label in dataset.labels
    ]


def test_sound_files_give_the_dataset_that_is_opened(images):
    survey = survey_files(str(images))
    assert survey.broken() == {}
    assert open_sound(survey).fingerprint == open_dataset(str(images)).fingerprint


def test_a_known_dataset_and_arrays_have_no_files(tmp_path):
    assert survey_files("digits") is None
    np.savez(tmp_path / "a.npz", images=np.zeros((4, 8, 8), np.uint8), labels=[0, 1, 0, 1])
    assert survey_files(str(tmp_path / "a.npz")) is None


def test_files_of_a_table_are_in_its_order(tmp_path):
    write_classes(tmp_path / "img", {"x": 3})
    table = tmp_path / "pets.csv"
    table.write_text("file,label\nimg/x/2.png,b\nimg/x/0.png,a\nimg/x/1.png,b\n", encoding="utf-8")
    assert survey_files(str(table)).layout.files == ("img/x/2.png", "img/x/0.png", "img/x/1.png")
