"""Eight bits: what the graph becomes, what is measured of it, when it is refused."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from drawn_bundles import Case, bundle_of_network, train_small

from cnnlab.bundle import bundle_of
from cnnlab.errors import CheckFailed, InputError
from cnnlab.exporting import Exported, OnnxModel, export
from cnnlab.exporting import int8 as module
from cnnlab.exporting.graph import graph_of
from cnnlab.models import Architecture
from cnnlab.runs import Run

#: Convolutions, a residual sum made of none, pooling, a dense layer, and padding of both kinds.
_MODEL = """
name: quick
layers:
  - {type: Conv2D, filters: 8, kernel_size: 3, padding: same, activation: relu}
  - {type: BatchNormalization}
  - {type: Conv2D, filters: 8, kernel_size: 3, strides: 2, padding: same, activation: relu}
  - {type: MaxPooling2D, pool_size: 3, strides: 2, padding: same}
  - {type: Flatten}
  - {type: Dense, units: 16, activation: relu}
  - {type: Dense, units: classes}
"""


@pytest.fixture(scope="module")
def run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("int8")
    model = folder / "quick.yaml"
    model.write_text(_MODEL, encoding="utf-8")
    training = {"epochs": 10, "batch_size": 16}
    return train_small(str(images), model, folder / "runs", training=training, mirror=True)


@pytest.fixture(scope="module")
def graph(run: Run) -> onnx.ModelProto:
    return graph_of(bundle_of(run))


@pytest.fixture
def known_graph(graph: onnx.ModelProto) -> Iterator[None]:
    with _knowing(graph):
        yield


@contextmanager
def _knowing(graph: onnx.ModelProto) -> Iterator[None]:
    """Let exports take the graph that was made already."""
    with pytest.MonkeyPatch.context() as patch:
        exporting = sys.modules["cnnlab.exporting.export"]
        patch.setattr(exporting, "graph_of", lambda _: copy.deepcopy(graph))
        yield


@pytest.fixture(scope="module")
def exported(
    run: Run, graph: onnx.ModelProto, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    with _knowing(graph):
        return export(run.path, tmp_path_factory.mktemp("file") / "int8.onnx", int8=True)


def test_the_weights_have_eight_bits_and_a_scale_a_channel(exported: Exported) -> None:
    model = onnx.load(exported.path)
    graph = model.graph
    values = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    scales = {
        values[node.input[0]].shape: values[node.input[1]]
        for node in graph.node
        if node.op_type == "DequantizeLinear" and values.get(node.input[0], np.zeros(1)).ndim > 1
    }
    # Both kernels and the hidden dense layer; that of the logits stays as it is.
    assert sorted(shape for shape in scales if len(shape) == 4) == [(8, 3, 3, 3), (8, 8, 3, 3)]
    assert len([shape for shape in scales if len(shape) == 2]) == 1
    assert all(len(scale) == (16 if len(shape) == 2 else 8) for shape, scale in scales.items())
    eight = [value for name, value in values.items() if value.dtype == np.int8 and value.ndim > 1]
    assert len(eight) == 3
    assert all(np.abs(value).max() <= 64 for value in eight), "seven bits: sums do not saturate"
    assert model.ir_version <= 8
    assert [entry.version for entry in model.opset_import if not entry.domain] == [18]


def test_accuracy_is_measured_on_validation_and_kept(run: Run, exported: Exported) -> None:
    said = exported.certificate.int8
    assert said is not None
    dataset, rows = run.open_dataset(), np.array(run.split["validation"])
    images, labels = dataset.images[rows], dataset.labels[rows]
    logits, _ = OnnxModel(exported.path)(images)
    network = bundle_of(run).logits(images)
    assert said.top1 == (logits.argmax(1) == labels).mean()
    assert said.fp32_top1 == (network.argmax(1) == labels).mean() > 0.9
    assert said.same_class == (logits.argmax(1) == network.argmax(1)).mean()
    assert said.largest_difference == pytest.approx(np.abs(logits - network).max(), abs=1e-3)
    assert 0 < said.largest_difference < 0.2 * np.abs(network).max()
    assert said.calibration == len(run.split["train"])
    for speed in (said.speed, said.fp32_speed):
        assert 0 < speed.latency_milliseconds < 1e4
        assert 0 < speed.images_per_second < 1e9
    inside = {entry.key: entry.value for entry in onnx.load(exported.path).metadata_props}
    assert json.loads(inside["precision"]) == "int8"
    assert json.loads(inside["certificate"])["int8"] == said.to_dict()
    text = exported.to_text()
    assert f"validation accuracy {said.top1:.4f}, fp32 {said.fp32_top1:.4f}" in text
    assert "times as fast" in text


@pytest.mark.usefixtures("known_graph")
def test_ranges_come_from_training_images_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[np.ndarray] = []

    def keep(graph: object, images: np.ndarray, *, where: object) -> None:
        given.append(images)
        raise InputError("enough")

    monkeypatch.setattr(module, "quantized", keep)
    with pytest.raises(InputError, match="enough"):
        export(run.path, tmp_path / "int8.onnx", int8=True)
    train = run.open_dataset().images[run.split["train"]]
    np.testing.assert_array_equal(given[0], train)


@pytest.mark.usefixtures("known_graph")
def test_a_file_that_loses_too_much_is_not_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LOST", -0.5)
    with pytest.raises(CheckFailed, match=r"int8 is right on .*%.*leave --int8 out"):
        export(run.path, tmp_path / "int8.onnx", int8=True)
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_images_for_validation_is_told_so(run: Run, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(run.path, bare)
    record = run.split | {"validation": []}
    (bare / "split.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match="it holds no image for validation; expected a run with"):
        export(bare, tmp_path / "int8.onnx", int8=True)


def test_a_bundle_has_no_images_to_measure_on(zoo: Callable[[str], Case], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs the run's training images.*leave --int8 out"):
        export(zoo("model-f").bundle.source, tmp_path / "int8.onnx", int8=True)
    assert list(tmp_path.iterdir()) == []


def test_a_single_layer_is_nothing_to_quantize(tmp_path: Path) -> None:
    layers = ({"type": "Flatten"}, {"type": "Dense", "units": "classes"})
    architecture = Architecture(name="one", input_shape=(6, 6, 1), classes=3, layers=layers)
    bundle = bundle_of_network(architecture, tmp_path)
    images = np.zeros((4, 6, 6, 1), np.uint8)
    with pytest.raises(InputError, match="nothing to quantize"):
        module.quantized(graph_of(bundle), images, where="one")
