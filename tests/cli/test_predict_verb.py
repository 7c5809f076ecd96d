"""``cnnlab predict``: any image that somebody may have, and the accuracy that evaluation gives."""

import csv
import io
import json
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from cnnlab.runs import open_run

#: Class names that somebody may have; a folder's name holds no "/".
NAMES = ['<script>alert("1")', "O'Brien, 猫", "two\nlines"]


@pytest.fixture
def photo(tmp_path):
    """One image of another size than the network's."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(
        path
    )
    return path


def test_the_image_itself_is_never_written_over(cnnlab, trained, photo, tmp_path):
    photo.rename(tmp_path / "photo.png")
    before = (tmp_path / "photo.png").read_bytes()
    for images in ("photo.png", "."):
        outcome = cnnlab("predict", "first", images, "--out", "photo.png")
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == "cnnlab: photo.png: one of the images itself; expected another name\n"
    assert (tmp_path / "photo.png").read_bytes() == before


def _rename_classes(run):
    record = json.loads((run / "split.json").read_text())
    record["dataset"]["class_names"] = NAMES
    (run / "split.json").write_text(json.dumps(record))


def test_case_21_a_folder_of_the_test_images_has_the_accuracy_that_evaluate_gives(
    cnnlab, trained, tmp_path
):
    run = open_run(trained)
    dataset, rows = run.open_dataset(), run.rows().test
    for row in rows:
        place = tmp_path / "test" / dataset.class_names[dataset.labels[row]] / f"{row:04d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dataset.images[row]).save(place)
    outcome = cnnlab("predict", "first", "test", "--json", "--top-k", 3)
    assert (outcome.code, outcome.err) == (0, "")
    evaluated = cnnlab("evaluate", "first", "--split", "test", "--json").json
    assert outcome.json["accuracy"]["top1"] == evaluated["top1"]
    assert outcome.json["accuracy"]["top1_interval"] == evaluated["top1_interval"]
    assert outcome.json["accuracy"]["n"] == evaluated["n"] == len(rows)
    # The same logits, too: the saved ones at the run's temperature.
    saved = run.predictions("test")
    scaled = np.exp(saved.logits.astype(np.float64) / run.temperature)
    expected = dict(
        zip(saved.indices.tolist(), scaled / scaled.sum(axis=1, keepdims=True), strict=True)
    )
    for image in outcome.json["images"]:
        row = int(image["path"][-8:-4])
        by_name = {each["class"]: each["probability"] for each in image["top"]}
        said = [by_name[name] for name in dataset.class_names]
        np.testing.assert_allclose(said, expected[row], atol=1e-6)
        assert image["true_class"] == dataset.class_names[dataset.labels[row]]
    assert outcome.json["temperature"] == run.temperature
    assert not cnnlab("predict", "first", "test", "--device", "cpu", "--json").json["errors"]


def test_one_image_by_name_and_on_standard_input(cnnlab, trained, photo, monkeypatch):
    named = cnnlab("predict", "first", "photo.jpg", "--json").json["images"][0]
    assert set(named) == {"path", "class", "probability", "top"}
    assert named["top"][0] == {"class": named["class"], "probability": named["probability"]}
    assert sum(each["probability"] for each in named["top"]) == pytest.approx(1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(photo.read_bytes())))
    piped = cnnlab("predict", "first", "-", "--json").json["images"][0]
    assert piped == {**named, "path": "-"}
    text = cnnlab("predict", "first", "photo.jpg").out
    assert text.startswith(f"photo.jpg: {named['class']}\nclass")
    assert f"{named['probability']:.4f}" in text


def _bomb(path):
    """A PNG that declares 50,000 x 50,000 pixels and holds none of them."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def _odd_images(folder):
    """Images of every kind that can be read."""
    folder.mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    Image.fromarray(noise, "CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(noise).save(folder / "alpha.png")
    frames = [Image.fromarray(noise[..., channel]) for channel in range(4)]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:])
    frames[0].resize((1, 1)).save(folder / "pixel.png")
    frames[0].resize((3000, 1)).save(folder / "line.png")
    frames[0].save(folder / "two\nlines.png")
    (folder / "no suffix").write_bytes((folder / "alpha.png").read_bytes())
    return 6


def test_images_of_every_kind_are_answered_and_broken_ones_named(cnnlab, trained, tmp_path):
    sound = _odd_images(tmp_path / "odd")
    assert cnnlab("predict", "first", "odd", "--json").code == 0
    assert cnnlab("predict", "first", "odd/no suffix").code == 0
    _bomb(tmp_path / "odd" / "bomb.png")
    (tmp_path / "odd" / "text.png").write_text("no image")
    (tmp_path / "odd" / "cut.png").write_bytes((tmp_path / "odd" / "alpha.png").read_bytes()[:500])
    (tmp_path / "odd" / ".DS_Store").write_bytes(b"")
    outcome = cnnlab("predict", "first", "odd", "--json", "--csv", "answers.csv")
    assert outcome.code == 2
    assert len(outcome.json["images"]) == sound
    reasons = {each["path"]: each["error"] for each in outcome.json["errors"]}
    assert set(reasons) == {"odd/bomb.png", "odd/cut.png", "odd/text.png"}
    assert "more than 80,000,000 pixels" in reasons["odd/bomb.png"]
    lines = outcome.err.splitlines()
    assert len(lines) == 5  # what was ignored, a line each, and how many
    assert "1 x .DS_Store" in lines[0]
    assert lines[2].startswith("odd/cut.png: ")
    assert lines[-1] == "cnnlab: 3 of 9 images cannot be read: those named above"
    with (tmp_path / "answers.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["path"] for row in rows if not row["error"]] == [
        image["path"] for image in outcome.json["images"]
    ]
    assert {row["path"]: row["error"] for row in rows if row["error"]} == reasons
    text = cnnlab("predict", "first", "odd")
    assert text.code == 2
    assert "odd/two?lines.png" in text.out
    assert "3 images could not be read" in text.out


@pytest.mark.parametrize("options", [[], ["--json"], ["--csv", "answers.csv"]])
def test_a_broken_image_alone_is_one_line_and_nothing_is_written(
    cnnlab, trained, tmp_path, options
):
    (tmp_path / "text.png").write_text("no image")
    for name, said in (("text.png", "no image that can be read"), ("gone.png", "no such file")):
        outcome = cnnlab("predict", "first", name, *options)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.count("\n") == 1
        assert outcome.err.startswith(f"cnnlab: {name}: ")
        assert said in outcome.err
    assert not (tmp_path / "answers.csv").exists()


def test_case_11_class_names_of_every_kind_are_shown_literally(cnnlab, trained, tmp_path):
    _rename_classes(trained)
    for name in NAMES:
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (5, 5)).save(tmp_path / "photos" / name / "a.png")
    options = ["predict", "first", "photos", "--top-k", 3]
    said = cnnlab(*options, "--json", "--csv", "a.csv", "--out", "a.svg").json
    assert {each["class"] for each in said["images"][0]["top"]} == set(NAMES)
    assert {image["true_class"] for image in said["images"]} == set(NAMES)
    assert said["accuracy"]["n"] == 3
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as stream:
        (first, *_) = csv.DictReader(stream)
    assert {first["class"], first["class_2"], first["class_3"]} == set(NAMES)
    assert "<script>" not in (tmp_path / "a.svg").read_text(encoding="utf-8")
    text = cnnlab(*options).out
    assert "two?lines" in text
    assert '<script>alert("1")' in text
    assert "O'Brien, 猫" in text


def test_the_verb_writes_a_picture_and_a_summary(cnnlab, trained, images, tmp_path):
    outcome = cnnlab("predict", "first", images, "--csv", "a.csv", "--out", "a.png")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("120 images: ")
    assert "with the folders' names as the truth" in outcome.out
    assert "a line an image: a.csv" in outcome.out
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 121
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 500


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--device", "gpu"], "one of auto, cpu, cuda, mps"),
        (["--top-k", "4"], "1 to 3"),
        (["--top-k", "0"], "top-k"),
        (["--csv", "answers.json"], "a name that ends in .csv"),
        (["--out", "a.pdf"], ".svg or .png"),
        (["--runs", "elsewhere"], "no such run"),
        (["-", "-"], "standard input holds one image"),
    ],
)
def test_a_wrong_value_is_one_line(cnnlab, trained, photo, options, said):
    outcome = cnnlab("predict", "first", "photo.jpg", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert said in outcome.err


def test_a_csv_file_that_cannot_be_written_is_exit_3(cnnlab, trained, photo, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = cnnlab("predict", "first", "photo.jpg", "--csv", "file/answers.csv")
    assert (outcome.code, outcome.out) == (3, "")
    assert "cannot write" in outcome.err
    assert os.fspath("file/answers.csv") in outcome.err
