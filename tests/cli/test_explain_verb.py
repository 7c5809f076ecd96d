"""``cnnlab explain`` and ``cnnlab.explain``."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnlab as package
from cnnlab.bundle import bundle_of
from cnnlab.errors import DataError
from cnnlab.explanation import Question
from cnnlab.runs import open_run

NAME = '<script>alert("1")'


@pytest.fixture
def copied(trained, tmp_path):
    """An image that the run was trained on, with its row."""
    run = open_run(trained)
    dataset, row = run.open_dataset(), int(run.rows().train[0])
    Image.fromarray(dataset.images[row]).save(tmp_path / "copied.png")
    return row, dataset.class_names[dataset.labels[row]]


def test_all_methods_say_and_draw(cnnlab, trained, copied, tmp_path):
    row, label = copied
    # The run is so sure of its own images that no probability moves.
    base = ["explain", "first", "copied.png", "--unit", "logit"]
    outcome = cnnlab(*base, "--method", "all", "--json")
    assert outcome.code == 0, outcome.err
    (said,) = outcome.json["explanations"]
    assert said["class"] == said["explained_class"] == label
    assert said["probability"] == pytest.approx(said["explained_probability"])
    heat, fine, hidden = said["maps"]
    assert (fine["method"], fine["unit"]) == ("layer-cam", "logit")
    assert (heat["method"], heat["layer"], heat["map_size"]) == ("grad-cam", "activation", [12, 12])
    assert (hidden["method"], hidden["patch"], hidden["stride"]) == ("occlusion", 3, 1)
    box = hidden["region"]
    assert box["left"] < box["right"] <= 12
    # The classes are bright rows, at 0 to 2, 4 to 6 and 8 to 10.
    stripe = 4 * int(label[-1])
    assert box["top"] < stripe + 3
    assert box["bottom"] > stripe
    nearest = said["nearest"]
    assert len(nearest["neighbours"]) == 5
    assert nearest["neighbours"][0] == {
        "row": row,
        "class": label,
        "distance": pytest.approx(0, abs=1e-6),
        "identical": True,
    }
    files = [Path(name) for name in said["files"]]
    assert files == [Path("explanations/copied.png"), Path("explanations/copied.svg")]
    with Image.open(files[0]) as picture:
        assert picture.width > 1000
    assert files[1].read_bytes().startswith(b"<?xml")
    text = cnnlab(*base, "--method", "grad-cam, nearest").out
    assert "warning: the model was trained on this very image" in text
    assert f"(row {row})" in text
    assert "explanations/copied.png and explanations/copied.svg" in text


def test_another_class_a_file_and_many_images(cnnlab, trained, copied, images, tmp_path):
    other = "class 1" if copied[1] != "class 1" else "class 2"
    base = ["explain", "first", "copied.png", "--json"]
    (said,) = cnnlab(*base, "--class", other, "--out", "why.svg").json["explanations"]
    assert (said["class"], said["explained_class"]) == (copied[1], other)
    assert said["explained_probability"] < 0.5
    assert said["files"] == ["why.svg"]
    assert (tmp_path / "why.svg").is_file()
    for folder in ("one", "two"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        Image.new("RGB", (30, 10), "red").save(tmp_path / "photos" / folder / "a b.png")
    (tmp_path / "photos" / "text.png").write_text("no image")
    outcome = cnnlab("explain", "first", "photos", "--out", "why", "--json")
    assert outcome.code == 2
    assert outcome.err.startswith("cnnlab: photos/text.png: ")
    assert [each["files"][0] for each in outcome.json["explanations"]] == [
        "why/a_b.png",
        "why/a_b-2.png",
    ]
    assert [each["path"] for each in outcome.json["errors"]] == ["photos/text.png"]


def test_case_11_a_class_name_of_any_kind_is_shown_literally(cnnlab, trained, copied, tmp_path):
    record = json.loads((trained / "split.json").read_text())
    record["dataset"]["class_names"] = [NAME, "{made} $x$", "猫"]
    (trained / "split.json").write_text(json.dumps(record))
    outcome = cnnlab(
        "explain", "first", "copied.png", "--class", "{made} $x$", "--out", "a.svg", "--method",
        "occlusion",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert NAME in outcome.out
    assert "explained: {made} $x$" in outcome.out
    assert "<script>" not in (tmp_path / "a.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "gradcam"], "did you mean 'grad-cam'?"),
        (["--method", ","], "method: no method"),
        (["--class", "class 9"], "did you mean 'class"),
        (["--layer", "conv"], "did you mean 'conv2d'?"),
        (["--metric", "cosin"], "did you mean 'cosine'?"),
        (["--unit", "logits"], "did you mean 'logit'?"),
        (["--patch", "13"], "patch: 13; expected 1 to 12 pixels"),
        (["--out", "a.jpg"], ".svg or .png"),
        (["--out", "a.png", "copied.png"], "one file for 2 images"),
        (["--method", "nearest", "--neighbours", "1000"], "neighbours"),
        (["gone.png"], "gone.png: cannot be read"),
    ],
)
def test_a_wrong_value_is_one_line(cnnlab, trained, copied, options, said, tmp_path):
    outcome = cnnlab("explain", "first", "copied.png", *options)
    assert outcome.code == 2
    assert said in outcome.err.splitlines()[-1]
    if options != ["gone.png"]:
        assert outcome.out == ""
        assert not (tmp_path / "explanations").exists()


def test_the_image_itself_is_never_written_over(cnnlab, trained, copied, tmp_path):
    before = (tmp_path / "copied.png").read_bytes()
    outcome = cnnlab("explain", "first", "copied.png", "--out", ".", "--json")
    assert outcome.json["explanations"][0]["files"] == ["copied-2.png", "copied-2.svg"]
    for out in ("copied.png", "./copied.png"):
        outcome = cnnlab("explain", "first", "copied.png", "--out", out)
        assert (outcome.code, outcome.out) == (2, "")
        assert "copied.png: one of the images itself; expected another name" in outcome.err
    assert (tmp_path / "copied.png").read_bytes() == before


def test_the_python_interface_gives_arrays(cnnlab, trained, copied, tmp_path):
    (found,) = package.explain(
        trained, tmp_path / "copied.png", methods=["grad-cam", "occlusion"], device="cpu"
    )
    assert found.map("grad-cam").shape == found.map("occlusion").shape == (12, 12)
    assert found._repr_svg_().startswith("<?xml")
    assert "grad-cam" in found.to_text()
    bundle_of(open_run(trained)).save(tmp_path / "first.safetensors")
    (again,) = package.explain(
        tmp_path / "first.safetensors", np.asarray(Image.open(tmp_path / "copied.png")),
        device="cpu",
    )  # fmt: skip
    np.testing.assert_array_equal(again.map("grad-cam"), found.map("grad-cam"))
    with pytest.raises(DataError, match=r"gone\.png"):
        package.explain(trained, [tmp_path / "copied.png", tmp_path / "gone.png"])
    question = Question(methods="occlusion", class_name="no such class")
    (other,) = package.explain(
        trained, tmp_path / "copied.png", question, class_name=found.class_name, device="cpu"
    )
    assert [each.method for each in other.maps] == ["occlusion"]
    assert other.class_name == found.class_name
