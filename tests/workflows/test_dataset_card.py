"""Looking into a dataset: figures that NumPy confirms, text, JSON and a picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small import write_images

from cnnlab.errors import ConfigError, StorageError, UnknownNameError
from cnnlab.workflows.dataset_card import dataset_card


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    """Six train images of two classes, one test image, which stands in train, too."""
    folder = write_images(tmp_path / "pets" / "train", classes=2, each=3).parent
    (folder / "test" / "class 1").mkdir(parents=True)
    copy = folder / "test" / "class 1" / "x.png"
    copy.write_bytes((folder / "train" / "class 1" / "000.png").read_bytes())
    return folder


def test_counts_and_moments_are_those_of_the_images(parted: Path) -> None:
    card = dataset_card(str(parted))
    said = card.to_dict()
    assert said["classes"] == {
        "train": {"class 0": 3, "class 1": 3},
        "test": {"class 0": 0, "class 1": 1},
    }
    assert said["parts"] == {"train": 6, "test": 1}
    files = sorted(parted.glob("train/*/*.png"))
    pixels = np.stack([np.asarray(Image.open(file)) for file in files]) / 255
    assert said["statistics"]["train"]["mean"] == pytest.approx(pixels.mean((0, 1, 2)), abs=1e-6)
    assert said["statistics"]["train"]["std"] == pytest.approx(pixels.std((0, 1, 2)), abs=1e-6)
    assert "1 of 1 test images are exact copies of train images" in said["notes"]
    assert said["fingerprint"] == card.dataset.fingerprint
    json.dumps(said, allow_nan=False)


def test_the_text_says_it_all_and_notes_once(parted: Path) -> None:
    lines: list[str] = []
    text = dataset_card(str(parted), say=lines.append).to_text()
    assert "6 train, 1 test; 12x12 pixels, colour; 2 classes" in text
    assert "train: 3 images of each class" in text
    assert "test: from 0 images of class 0 to 1 of class 1" in text
    assert text.count("exact copies of train images") == 1
    assert not any("exact copies" in line for line in lines)
    assert "standard deviation" in text


def test_samples_are_of_train_and_of_every_class() -> None:
    card = dataset_card("shapes", overrides=["data.size=300"])
    labels = card.dataset.labels[card.samples]
    assert np.bincount(labels).tolist() == [10] * 10
    assert card.samples.max() < card.dataset.parts["train"]
    assert len(set(card.samples.tolist())) == 100


def test_a_class_that_stands_in_test_alone_is_shown_from_there(tmp_path: Path) -> None:
    """Batches of CIFAR-10's form: a label, then 3,072 bytes of pixels."""
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for number, labels in enumerate([[0], [0], [2], [2], [0], [1, 0]]):
        pixels = np.full((len(labels), 3072), number, dtype=np.uint8)
        np.hstack([np.array(labels, dtype=np.uint8)[:, None], pixels]).tofile(
            tmp_path / f"{names[number]}.bin"
        )
    assert dataset_card(str(tmp_path)).samples.tolist() == [0, 1, 4, 5, 2, 3]


def test_the_options_of_a_source_are_settled_and_said() -> None:
    card = dataset_card("shapes", overrides=["data.size=60", "data.label_errors=0.1"])
    assert card.options == {
        "size": 60, "drawing_seed": 0, "label_errors": 0.1, "duplicates": 0.0,
    }  # fmt: skip
    assert "data.size 60, data.drawing_seed 0" in card.to_text()
    assert "6 labels are wrong" in card.to_text()


@pytest.mark.parametrize(
    ("override", "error", "said"),
    [
        ("data.sise=3", UnknownNameError, "did you mean 'size'"),
        ("data.size=0", ConfigError, "shapes, size: the value is 0; expected a whole number"),
        (
            "data.image_size=3",
            ConfigError,
            r"data\.image_size: the value is 3; expected .*at least",
        ),
        (
            "data.validation=3",
            ConfigError,
            r"data\.validation is nothing that .* expected data\.im",
        ),
        ("data.source=digits", ConfigError, r"data\.source is nothing that"),
        ("training.epochs=3", ConfigError, "training is nothing that"),
        ("data=3", ConfigError, "data is nothing that"),
    ],
)
def test_case_28_other_settings_are_refused(
    override: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        dataset_card("shapes", overrides=[override])
    assert "\n" not in str(caught.value)


def test_size_and_channels_are_chosen_where_they_can_be(parted: Path) -> None:
    card = dataset_card(str(parted), settings={"image_size": 20}, overrides=["data.channels=1"])
    assert card.dataset.image_shape == (20, 20, 1)
    with pytest.raises(ConfigError, match="Digits comes as 32x32 pixels"):
        dataset_card("digits", overrides=["data.channels=3"])


def test_the_picture_s_ending_says_its_kind(tmp_path: Path) -> None:
    card = dataset_card("shapes", overrides=["data.size=60"])
    card.write_picture(tmp_path / "deeper" / "a.PNG")
    card.write_picture(tmp_path / "a.svg")
    with Image.open(tmp_path / "deeper" / "a.PNG") as image:
        assert image.format == "PNG"
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    assert b"circle" in (tmp_path / "a.svg").read_bytes()
    with pytest.raises(ConfigError, match=r"a\.pdf: .*ends in \.svg or \.png"):
        card.write_picture(tmp_path / "a.pdf")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        card.write_picture(tmp_path / "file" / "a.png")
    assert {path.name for path in tmp_path.iterdir()} == {"deeper", "a.svg", "file"}


def test_a_notebook_shows_it(parted: Path) -> None:
    assert "class 1" in dataset_card(str(parted))._repr_html_()
