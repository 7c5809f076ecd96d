"""What ``export`` writes, says and refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from drawn_bundles import Case
from small_runs import make_run

import cnnlab
from cnnlab.bundle import bundle_of, open_bundle
from cnnlab.errors import CheckFailed, ConfigError, InputError, RunError, StorageError
from cnnlab.exporting import Exported, certificate_path, export
from cnnlab.runs import Run

#: The module, for Python shows the function of the same name in its place.
MODULE = sys.modules["cnnlab.exporting.export"]


@pytest.fixture
def case(zoo: Callable[[str], Case]) -> Case:
    return zoo("model-f")


def _json_of(path: Path) -> dict[str, object]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _tampered(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the exporter make a mistake in one weight."""
    graph = onnx.load(case.exported.path)
    del graph.metadata_props[:]
    weights = next(entry for entry in graph.graph.initializer if len(entry.dims) > 1)
    values = onnx.numpy_helper.to_array(weights).copy()
    values.flat[0] += 0.5
    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    monkeypatch.setattr(MODULE, "graph_of", lambda _: graph)


def test_the_file_says_what_using_it_needs(case: Case) -> None:
    model = onnx.load(case.exported.path)
    known = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    bundle = case.bundle
    assert known["class_names"] == [f"class {number}" for number in range(5)]
    assert known["preprocessing"]["mean"] == list(bundle.preprocessing.mean)
    assert known["image_size"] == [16, 16]
    assert known["input_shape"] == [16, 16, 3]
    assert known["temperature"] == 1.5
    assert known["origin"] == bundle.origin
    assert known["name"] == "model-f"
    assert known["precision"] == "fp32"
    assert model.producer_name == "cnnlab"


def test_its_input_and_outputs_are_as_the_design_says(case: Case) -> None:
    graph = onnx.load(case.exported.path).graph
    (images,) = graph.input
    tensor = images.type.tensor_type
    assert (images.name, tensor.elem_type) == ("images", onnx.TensorProto.UINT8)
    assert tensor.shape.dim[0].dim_param == "batch"
    assert [dim.dim_value for dim in tensor.shape.dim[1:]] == [16, 16, 3]
    assert [output.name for output in graph.output] == ["logits", "probabilities"]
    for output in graph.output:
        assert output.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_old_runtimes_can_read_it(case: Case) -> None:
    """onnxruntime 1.14 reads IR 8 and operator set 18."""
    model = onnx.load(case.exported.path)
    assert model.ir_version <= 8
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert not model.functions


def test_nothing_of_the_machine_is_in_it(case: Case) -> None:
    content = case.exported.path.read_bytes()
    for path in (sys.prefix, str(Path(cnnlab.__file__).parent), tempfile.gettempdir()):
        assert path.encode() not in content


def test_the_certificate_is_in_the_file_and_beside_it(case: Case) -> None:
    path = case.exported.path
    beside = _json_of(certificate_path(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert beside["exported"] == {
        "name": path.name,
        "bytes": path.stat().st_size,
        "sha256": digest,
    }
    inside = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    certificate = json.loads(inside["certificate"])
    assert certificate == {k: v for k, v in beside.items() if k not in {"exported", "model"}}
    parity = certificate["parity"]
    assert parity["holds"] is True
    assert 0 < parity["largest_difference"] <= 1e-4
    assert [batch["batch_size"] for batch in parity["batches"]] == [1, 2, 7, 256]


def test_the_same_run_gives_the_same_bytes(
    forms: Callable[[str], tuple[Run, Exported]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, first = forms("wide")
    capfd.readouterr()
    second = export(run.path, tmp_path / "again.onnx")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert capfd.readouterr() == ("", ""), "exporting says nothing by itself"


def test_a_tampered_weight_is_found_and_leaves_no_file(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tampered(case, monkeypatch)
    with pytest.raises(CheckFailed, match="does not say what the network says") as caught:
        export(case.bundle.source, tmp_path / "model.onnx")
    assert caught.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_mismatch_leaves_the_file_that_was_there(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("before")
    _tampered(case, monkeypatch)
    with pytest.raises(CheckFailed):
        export(case.bundle.source, path, force=True)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("taken", ["model.safetensors", "model.safetensors.certificate.json"])
def test_what_is_there_is_replaced_by_force_only(case: Case, tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("before")
    path = tmp_path / "model.safetensors"
    with pytest.raises(InputError, match=f"{taken}: the file is there already.*--force"):
        export(case.bundle.source, path, format="bundle")
    assert (tmp_path / taken).read_text() == "before"
    export(case.bundle.source, path, format="bundle", force=True)
    assert open_bundle(path).name == "model-f"


def test_a_bundle_is_read_back(case: Case, tmp_path: Path) -> None:
    exported = export(case.bundle.source, tmp_path / "copy.safetensors", format="bundle")
    back = open_bundle(exported.path)
    images = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(back.logits(images), case.bundle.logits(images))
    said = _json_of(exported.certificate_path)
    assert (said["format"], said["exported"]["bytes"]) == (  # type: ignore[index]
        "bundle",
        exported.path.stat().st_size,
    )
    assert exported.certificate.parity.largest_difference == 0


def test_a_bundle_that_lost_something_is_not_kept(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnlab.bundle.Bundle.save", lambda _, path: shutil.copy(other, path))
    other = tmp_path / "other.safetensors"
    changed = case.bundle.source.read_bytes()
    other.write_bytes(changed)
    monkeypatch.setattr(MODULE, "facts_of", lambda bundle: {"at": bundle.source})
    with pytest.raises(CheckFailed, match="read back is another one"):
        export(case.bundle.source, tmp_path / "copy.safetensors", format="bundle")
    assert list(tmp_path.iterdir()) == [other]


def test_without_the_data_images_are_generated_and_it_is_said(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", "pets")
    said: list[str] = []
    exported = export(run.path, tmp_path / "pets.onnx", say=said.append)
    assert len(said) == 1
    assert "its data is not to be had" in said[0]
    assert "tried on 512 generated images" in said[0]
    assert "512 generated images" in exported.to_text()
    assert exported.to_dict()["tried_on"] == {"split": "generated", "images": 512}
    batches = exported.certificate.parity.batches
    assert [batch.images for batch in batches] == [256, 256, 256, 512]
    assert exported.certificate.facts["class_names"] == ["cat", "dog"]


def test_the_python_api(forms: Callable[[str], tuple[Run, Exported]], tmp_path: Path) -> None:
    run, onnx_file = forms("grey")
    out = tmp_path / "f.safetensors"
    found = cnnlab.export(run.name, out, format="bundle", runs=run.path.parent)
    assert isinstance(found, Exported)
    assert cnnlab.export is export
    facts = found.certificate.facts
    assert facts == onnx_file.certificate.facts
    assert facts["origin"]["dataset_fingerprint"] == run.split["dataset"]["fingerprint"]
    assert facts["temperature"] == bundle_of(run).temperature
    text = found.to_text()
    assert text.startswith(f"{out}: ")
    assert f"validation accuracy {found.certificate.top1:.4f}" in text
    assert text.endswith(f"certificate: {out}.certificate.json")
    again = cnnlab.export(run, tmp_path / "again.safetensors", format="bundle")
    assert again.sha256 == found.sha256


@pytest.mark.parametrize(
    ("out", "options", "kind", "said"),
    [
        ("model.safetensors", {}, ConfigError, "--format bundle"),
        ("model.onnx", {"format": "bundle"}, ConfigError, "--format onnx"),
        ("model.onnx", {"format": "tflite"}, ConfigError, "onnx or bundle"),
        ("b.safetensors", {"format": "bundle", "int8": True}, ConfigError, "holds fp32 weights"),
        (".", {}, InputError, "a folder"),
        ("x" * 300, {}, StorageError, "name too long"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    out: str,
    options: dict[str, object],
    kind: type[Exception],
    said: str,
) -> None:
    monkeypatch.setattr(MODULE, "open_bundle", pytest.fail)
    with pytest.raises(kind, match=said):
        export(case.bundle.source, tmp_path / out, **options)  # type: ignore[arg-type]


def test_a_missing_library_is_named_with_what_to_install(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"onnxscript.*pip install 'cnnlab\[export\]'"):
        export(case.bundle.source, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_logits_that_are_no_numbers_are_not_exported(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = np.full((512, 5), np.nan, np.float32)
    monkeypatch.setattr(MODULE, "predict_logits", lambda *_, **__: broken)
    with pytest.raises(CheckFailed, match="not all numbers"):
        export(case.bundle.source, tmp_path / "model.onnx")


def test_a_run_without_weights_has_nothing_to_export(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", "pets")
    run.best_weights.unlink()
    with pytest.raises(RunError, match="no weights yet"):
        export(run.path, tmp_path / "pets.onnx")
