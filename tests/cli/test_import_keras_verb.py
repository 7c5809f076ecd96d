"""``cnnlab import-keras``, and ``export --format keras``."""

import pytest
from PIL import Image
from small_keras_files import layers_of, model_of, write_archive


@pytest.fixture
def model(tmp_path):
    return write_archive(tmp_path / "photo.keras")


def test_a_model_is_imported_and_asked(cnnlab, model):
    outcome = cnnlab("import-keras", model, "--scale", "1", "--classes", "cat,dog", "--json")
    assert outcome.code == 0
    said = outcome.json
    assert (said["name"], said["file"]) == ("photo", "photo/model.safetensors")
    assert said["class_names"] == ["cat", "dog"]
    assert outcome.err.splitlines() == [f"{model}: {note}" for note in said["notes"]]
    Image.new("RGB", (20, 20), "red").save("red.png")
    predicted = cnnlab("predict", "photo/model.safetensors", "red.png", "--json")
    assert predicted.code == 0
    assert predicted.json["images"][0]["class"] in {"cat", "dog"}
    explained = cnnlab("explain", "photo/model.safetensors", "red.png", "--json")
    assert explained.code == 0, explained.err
    summary = cnnlab("summary", "photo/architecture.yaml", "--json")
    assert summary.code == 0
    again = cnnlab("import-keras", model, "--scale", "1")
    assert (again.code, again.out, again.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "add --scale 1"),
        (("--scale", "2"), "minus-one-to-one"),
        (("--image-size", "big"), "such as 32x32"),
        (("--scale", "1", "--classes", "cat"), "1 class names; expected 2"),
    ],
)
def test_what_has_to_be_said_is_asked_for_in_one_line(cnnlab, model, options, said):
    outcome = cnnlab("import-keras", model, *options)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err


def test_an_open_size_is_given_on_the_command_line(cnnlab, tmp_path):
    layers = layers_of()
    layers[0]["config"]["batch_shape"] = [None, None, None, 3]
    path = write_archive(tmp_path / "open.keras", model_of(layers))
    outcome = cnnlab("import-keras", path, "--scale", "1", "--image-size", "12x8", "--json")
    assert outcome.json["input_shape"] == [12, 8, 3]


@pytest.mark.usefixtures("keras")
def test_a_run_becomes_a_keras_file_and_comes_back(cnnlab, trained):
    done = cnnlab("export", "first", "--format", "keras", "--out", "first.keras")
    assert (done.code, done.err) == (0, "")
    assert "the file says what the network says on" in done.out
    assert "validation images" in done.out
    back = cnnlab("import-keras", "first.keras", "--out", "back.safetensors", "--json")
    assert back.code == 0
    assert back.json["class_names"] == ["class 0", "class 1", "class 2"]
    assert back.json["architecture_file"] is None


def test_a_keras_file_in_a_run_s_place_is_told_the_way(cnnlab, model):
    outcome = cnnlab("predict", model, "photo.png")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"turn it into one: cnnlab import-keras {model}" in outcome.err
