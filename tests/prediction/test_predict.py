"""Answers are those of the evaluation's path, in order, in bounded memory."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from small_bundles import bundle_of_layers, random_images
from small_runs import make_run

import cnnlab
from cnnlab.bundle import Bundle, bundle_of
from cnnlab.errors import ConfigError, DataError, InputError
from cnnlab.inference import predict_logits
from cnnlab.prediction import ClassProbability, ImageError, ImagePrediction
from cnnlab.prediction.answers import answer_images
from cnnlab.prediction.csv_file import writing_csv
from cnnlab.prediction.sources import ImageSource

LAYERS = [
    {"type": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu"},
    {"type": "GlobalAveragePooling2D"},
    {"type": "Dense", "units": "classes"},
]
SHAPE = (8, 8, 3)


def _bundle(**more: Any) -> Bundle:
    return bundle_of_layers(LAYERS, shape=SHAPE, classes=7, **more)


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def test_files_of_the_networks_size_give_the_logits_that_evaluation_gives(tmp_path: Path) -> None:
    bundle = _bundle(temperature=1.9)
    images = random_images(620, SHAPE)  # two blocks and a rest
    for row, image in enumerate(images):
        (tmp_path / f"{row:04d}.png").write_bytes(_png(image))
    found = cnnlab.predict(bundle, tmp_path, top_k=7)
    logits = predict_logits(bundle.network, images, bundle.preprocessing).astype(np.float64)
    expected = np.exp(logits / 1.9) / np.exp(logits / 1.9).sum(axis=1, keepdims=True)
    assert [Path(each.path).stem for each in found] == [f"{row:04d}" for row in range(620)]
    by_class = [{each.class_name: each.probability for each in image.top} for image in found]
    said = np.array([[each[name] for name in bundle.class_names] for each in by_class])
    np.testing.assert_allclose(said, expected, rtol=1e-12)
    for image in found:
        values = [value for _, value in image.top]
        assert values == sorted(values, reverse=True)
        assert (image.class_name, image.probability) == image.top[0]
    assert found.pixels.shape == (60, *SHAPE)


def test_broken_images_do_not_move_the_others() -> None:
    bundle = _bundle()
    images = random_images(600, SHAPE)
    broken = {0, 1, 249, 250, 400, 599}

    def read(row: int) -> bytes:
        return b"no image" if row in broken else _png(images[row])

    sources = [ImageSource(str(row), lambda row=row: read(row)) for row in range(600)]
    answers = list(answer_images(bundle, sources, 3))
    sound = iter(bundle.logits(np.delete(images, sorted(broken), axis=0)))
    for row, answer in enumerate(answers):
        if row in broken:
            assert isinstance(answer, ImageError)
            assert answer.path == str(row)
        else:
            said, pixels = answer
            assert said.path == str(row)
            assert said.class_name == bundle.class_names[next(sound).argmax()]
            np.testing.assert_array_equal(pixels, images[row])


def test_images_without_end_are_answered_as_they_come() -> None:
    """Reading runs ahead of the answers by a block and a few images a thread, no more."""
    content = _png(random_images(1, SHAPE)[0])
    read = itertools.count()

    def one() -> bytes:
        next(read)
        return content

    endless = (ImageSource(str(number), one) for number in itertools.count())
    answers = answer_images(_bundle(), endless, 1)
    taken = list(itertools.islice(answers, 501))
    answers.close()
    assert len(taken) == 501
    assert next(read) < 501 + 250 + 200


def test_equal_probabilities_do_not_hide_the_larger_logit(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = _bundle(temperature=100.0)
    logits = np.zeros((1, 7), dtype=np.float32)
    logits[0, [2, 5]] = [0.0, np.float32(1e-19)]
    monkeypatch.setattr(Bundle, "logits", lambda self, images: logits)
    (image,) = cnnlab.predict(bundle, random_images(1, SHAPE))
    assert image.class_name == "class 5"
    assert [each.class_name for each in image.top[1:]] == [
        "class 0",
        "class 1",
        "class 2",
        "class 3",
    ]


def test_a_run_a_directory_and_a_file_say_the_same(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", "pets")
    bundle_of(run).save(tmp_path / "pets.safetensors")
    image = random_images(1, (20, 31, 3))[0]
    one, *others = (
        cnnlab.predict(model, image, runs=tmp_path / "runs", device="cpu").to_dict()
        for model in (run, run.path, "pets", tmp_path / "pets.safetensors", bundle_of(run))
    )
    assert one["temperature"] == others[0]["temperature"] != 1
    for other in others:
        assert {**other, "source": None} == {**one, "source": None}


def test_the_text_of_one_image_and_of_several() -> None:
    said: list[str] = []
    bundle, images = _bundle(), random_images(3, SHAPE)
    text = cnnlab.predict(bundle, images[0], top_k=2, say=said.append).to_text()
    assert text.splitlines()[0].startswith("array: class ")
    assert len(text.splitlines()) == 4
    assert said == ["probabilities are not calibrated: the model's temperature was never fitted"]
    found = cnnlab.predict(bundle, images)
    lines = found.to_text().splitlines()
    assert lines[0].split() == ["image", "class", "probability", "then"]
    assert [line.split()[0] for line in lines[1:4]] == ["array[0]", "array[1]", "array[2]"]
    assert lines[-1].startswith("3 images: ")
    assert "<pre>" in found._repr_html_()


def test_the_truth_of_the_folders_is_counted(tmp_path: Path) -> None:
    bundle, images = _bundle(), random_images(40, SHAPE)
    said = bundle.logits(images).argmax(axis=1)
    for row, image in enumerate(images):
        label = said[row] if row % 4 else (said[row] + 1) % 7  # every fourth is called wrong
        place = tmp_path / f"class {label}" / f"{row}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(_png(image))
    found = cnnlab.predict(bundle, tmp_path)
    record = found.to_dict()["accuracy"]
    assert (record["correct"], record["n"], record["top1"]) == (30, 40, 0.75)
    # Wilson's interval of 30 in 40, by hand from its formula.
    assert record["top1_interval"] == pytest.approx([0.5981, 0.8581], abs=1e-4)
    assert "accuracy 0.7500 (95% interval 0.5981 to 0.8581, n = 40)" in found.to_text()


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@settings(max_examples=40)
@given(st.lists(st.tuples(CELLS, CELLS, st.floats(0, 1), CELLS), min_size=1, max_size=5))
@example([("\r", '"', 0.5, "a\rb\n,")])
def test_any_name_comes_back_from_the_csv_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "answers.csv"
    with writing_csv(path, 2) as write:
        for name, label, value, reason in rows:
            write(ImagePrediction(name, (ClassProbability(label, value),) * 2, label))
            write(ImageError(name, DataError(reason)))
    with path.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == 2 * len(rows)
    for (name, label, value, reason), answer, error in zip(
        rows, lines[::2], lines[1::2], strict=True
    ):
        assert answer["path"] == error["path"] == name
        assert answer["class"] == answer["class_2"] == answer["true_class"] == label
        assert float(answer["probability"]) == float(answer["probability_2"]) == value
        assert (answer["error"], error["error"], error["class"]) == ("", reason, "")


def test_a_name_that_is_no_utf8_is_written_all_the_same(tmp_path: Path) -> None:
    with writing_csv(tmp_path / "a.csv", 1) as write:
        write(ImagePrediction("caf\udce9.png", (ClassProbability("x", 0.5),)))
    assert "caf\\udce9.png,x,0.5" in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_no_csv_file_is_left_where_nothing_could_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(DataError, match=r"a\.png: the file is no image"):
        cnnlab.predict(_bundle(), tmp_path / "a.png", csv=tmp_path / "out.csv")
    (tmp_path / "b.png").write_text("text")
    with pytest.raises(DataError, match=r"2 of 2 images cannot be read: .*a\.png \(.*b\.png \("):
        cnnlab.predict(_bundle(), tmp_path, csv=tmp_path / "out.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "b.png"}


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    image = random_images(1, SHAPE)[0]
    with pytest.raises(InputError, match=r"top-k.*1 to 7|1 to 7.*top-k"):
        cnnlab.predict(_bundle(), image, top_k=8)
    with pytest.raises(ConfigError, match=r"expected a name that ends in \.csv"):
        cnnlab.predict(_bundle(), image, csv=tmp_path / "out.txt")
    odd = bundle_of_layers(LAYERS, shape=(8, 8, 2))
    with pytest.raises(InputError, match="takes images of 2 channels"):
        cnnlab.predict(odd, image)
