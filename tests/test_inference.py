import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from cnnlab.errors import RunError
from cnnlab.inference import (
    Preprocessing,
    measure_preprocessing,
    place,
    predict_logits,
    read_tensors,
)
from cnnlab.models import load_architecture

SHAPES = npst.array_shapes(min_dims=4, max_dims=4, min_side=1, max_side=6)
IMAGES = npst.arrays(np.uint8, SHAPES)


@given(IMAGES)
def test_mean_and_std_are_numpys(images):
    rows = np.arange(len(images))
    measured = measure_preprocessing(images, rows, "standard")
    scaled = images.astype(np.float64) / 255
    assert measured.mean == pytest.approx(scaled.mean(axis=(0, 1, 2)), abs=1e-5)
    expected = scaled.std(axis=(0, 1, 2))
    for found, std in zip(measured.std, expected, strict=True):
        assert found == pytest.approx(std, abs=1e-4) or (std < 1e-4 and found == 1)
    assert measured.image_size == images.shape[1:3]


@given(IMAGES, st.data())
def test_preprocessing_is_the_formula(images, data):
    channels = images.shape[3]
    numbers = st.lists(st.floats(0.1, 1), min_size=channels, max_size=channels)
    mean, std = data.draw(numbers), data.draw(numbers)
    size = (images.shape[1], images.shape[2])
    preprocessing = Preprocessing(tuple(mean), tuple(std), size)
    result = preprocessing.apply(torch.from_numpy(images))
    expected = ((images / 255 - mean) / std).transpose(0, 3, 1, 2)
    assert np.allclose(result.numpy(), expected, atol=2e-5)
    assert Preprocessing.from_dict(preprocessing.to_dict()) == preprocessing


def test_unit_scaling_gives_zero_to_one():
    images = np.array([0, 255], dtype=np.uint8).reshape(2, 1, 1, 1)
    preprocessing = measure_preprocessing(images, np.arange(2), "unit")
    assert preprocessing.apply(torch.from_numpy(images)).flatten().tolist() == [0, 1]


def test_case_21_any_batch_size_gives_the_same_classes():
    torch.manual_seed(0)
    network = load_architecture("model-f", input_shape=(16, 16, 3)).build()
    place(network, torch.device("cpu"))
    images = np.random.default_rng(0).integers(0, 256, (130, 16, 16, 3), dtype=np.uint8)
    preprocessing = measure_preprocessing(images, np.arange(130), "standard")
    network.train()
    results = [
        predict_logits(network, images, preprocessing, batch_size=size) for size in (1, 64, 130)
    ]
    assert network.training
    for logits in results[1:]:
        assert np.allclose(logits, results[0], atol=1e-5)
        assert np.array_equal(logits.argmax(1), results[0].argmax(1))
    some = np.array([5, 3, 99])
    assert np.allclose(
        predict_logits(network, images, preprocessing, rows=some), results[0][some], atol=1e-5
    )


def test_mirrored_inference_is_the_mean_of_both_views():
    torch.manual_seed(0)
    network = load_architecture("model-c", input_shape=(16, 16, 3)).build()
    images = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    plain = measure_preprocessing(images, np.arange(7), "unit")
    both = measure_preprocessing(images, np.arange(7), "unit", mirror=True)
    expected = (
        predict_logits(network, images, plain)
        + predict_logits(network, np.ascontiguousarray(images[:, :, ::-1]), plain)
    ) / 2
    assert np.allclose(predict_logits(network, images, both), expected, atol=1e-6)


def test_no_image_is_an_error():
    network = load_architecture("model-a").build()
    with pytest.raises(RunError, match="no image"):
        predict_logits(
            network, np.zeros((0, 28, 28, 1), np.uint8), Preprocessing((0,), (1,), (28, 28))
        )


@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00.", b"\xff" * 64])
def test_a_foreign_checkpoint_is_refused_and_not_executed(tmp_path, content):
    path = tmp_path / "best.safetensors"
    path.write_bytes(content)
    with pytest.raises(RunError, match="expected a cnnlab checkpoint"):
        read_tensors(path)
    with pytest.raises(RunError, match="expected a cnnlab checkpoint"):
        read_tensors(tmp_path / "none")
