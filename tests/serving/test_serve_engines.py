"""onnxruntime answers as torch does, and an engine that does not is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from small_runs import make_run

from cnnlab.bundle import Bundle, bundle_of
from cnnlab.errors import FailedError
from cnnlab.serving.engines import TorchEngine, choose_engine
from cnnlab.serving.onnx_engine import OnnxEngine

pytestmark = pytest.mark.usefixtures("operators_read_once")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundle_of(make_run(tmp_path_factory.mktemp("run"), "pets"))


def test_the_onnx_engine_answers_as_the_bundle_does(bundle: Bundle) -> None:
    engine, choice = choose_engine("onnx", bundle, 1)
    assert choice.name == "onnx"
    images = np.random.default_rng(1).integers(0, 256, (65, 8, 8, 3), dtype=np.uint8)
    for count in (1, 2, 65):
        found = engine.logits(images[:count])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, bundle.logits(images[:count]), atol=1e-4)


def test_a_graph_that_says_something_else_is_refused(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = OnnxEngine.logits
    monkeypatch.setattr(OnnxEngine, "logits", lambda self, images: right(self, images) + 2e-4)
    with pytest.raises(FailedError, match=r"differ from torch's by 0\.0002"):
        OnnxEngine(bundle, 1)


def test_a_heavy_network_is_measured_once(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    right = TorchEngine.logits

    def counted(self: TorchEngine, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        asked.append(len(images))
        return right(self, images)

    monkeypatch.setattr(TorchEngine, "logits", counted)
    monkeypatch.setattr("cnnlab.serving.engines._ENOUGH_SECONDS", 0.0)
    choose_engine("auto", bundle, 1)
    assert asked == [1, 32]
