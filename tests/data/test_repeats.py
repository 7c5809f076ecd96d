import shutil

import numpy as np

from cnnlab.data import open_dataset
from cnnlab.data.repeats import repeat_notes


def test_case_12_copies_are_counted_by_part():
    images = np.arange(8, dtype=np.uint8).reshape(8, 1, 1, 1)
    images[3] = images[0]  # twice in train
    images[5] = images[1]  # validation repeats train
    images[6] = images[7] = images[4]  # test repeats validation, twice
    assert repeat_notes(images, {"train": 4, "validation": 2, "test": 2}) == [
        "1 of 4 train images are exact copies of other train images",
        "1 of 2 validation images are exact copies of train images",
        "2 of 2 test images are exact copies of validation images",
    ]
    assert repeat_notes(np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1), {"train": 4}) == []


def test_case_12_train_and_test_that_share_images_are_said(images, tmp_path):
    shutil.copytree(images, tmp_path / "d" / "train")
    shutil.copytree(images / "class 1", tmp_path / "d" / "test" / "class 1")
    lines = []
    dataset = open_dataset(str(tmp_path / "d"), say=lines.append)
    said = "40 of 40 test images are exact copies of train images"
    assert said in dataset.notes
    assert any(said in line for line in lines)
