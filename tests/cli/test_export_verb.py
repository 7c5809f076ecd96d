"""``cnnlab export``."""

import json

import onnx
import pytest

pytestmark = pytest.mark.usefixtures("operators_read_once")


def test_it_writes_a_file_and_a_certificate_and_says_what_was_found(cnnlab, trained):
    outcome = cnnlab("export", "first", "--out", "out/first.onnx", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    said = outcome.json
    assert said["file"] == "out/first.onnx"
    folder = trained.parents[1] / "out"
    assert sorted(path.name for path in folder.iterdir()) == [
        "first.onnx",
        "first.onnx.certificate.json",
    ]
    beside = json.loads((folder / "first.onnx.certificate.json").read_text(encoding="utf-8"))
    assert {key: said[key] for key in beside} == beside
    assert said["parity"]["holds"] is True
    assert said["tried_on"]["split"] == "validation"
    known = {e.key: e.value for e in onnx.load(folder / "first.onnx").metadata_props}
    assert json.loads(known["class_names"]) == ["class 0", "class 1", "class 2"]

    again = cnnlab("export", "first", "--out", "out/first.onnx")
    assert (again.code, again.out) == (2, "")
    assert again.err == (
        "cnnlab: out/first.onnx: the file is there already; choose another name, or add --force\n"
    )


def test_a_bundle_is_written_and_taken_in_a_run_s_place(cnnlab, trained):
    done = cnnlab("export", "first", "--format", "bundle", "--out", "first.safetensors")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("first.safetensors: ")
    assert "certificate: first.safetensors.certificate.json" in done.out
    again = cnnlab(
        "export", "first.safetensors", "--format", "bundle", "--out", "first.safetensors", "--force"
    )
    assert again.code == 0
    assert "a bundle holds no images; the file is tried on 512 generated images" in again.err
    assert "512 generated images" in again.out


def test_int8_needs_onnx(cnnlab, trained):
    outcome = cnnlab("export", "first", "--int8", "--format", "bundle", "--out", "first.bundle")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
