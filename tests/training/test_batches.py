import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from cnnlab.config import TrainingConfig
from cnnlab.data.dataset import Dataset
from cnnlab.errors import ConfigError
from cnnlab.inference import Preprocessing
from cnnlab.training.batches import Batches, check_named_weights, class_weights

LABELS = np.repeat([0, 1, 2], [70, 20, 11]).astype(np.int64)
DATASET = Dataset(
    "d",
    np.random.default_rng(0).integers(0, 256, (101, 4, 4, 3), dtype=np.uint8),
    LABELS,
    ("a", "b", "c"),
    {"train": 101},
    "f",
)
UNIT = Preprocessing((0.0,) * 3, (1.0,) * 3, (4, 4))


def batches(rows=None, **values):
    rows = np.arange(101) if rows is None else rows
    config = TrainingConfig.model_validate({"batch_size": 16, **values})
    return Batches(DATASET, rows, config, UNIT, seed=0, device=torch.device("cpu"))


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own():
    source = batches()
    assert source.length.batches == 7
    first, second = list(source.epoch(1, 1)), list(source.epoch(1, 2))
    assert [len(labels) for _, labels in first] == [15] * 3 + [14] * 4  # none is a small rest
    shown = torch.cat([images for images, _ in first])
    expected = DATASET.images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    assert np.allclose(
        np.sort(shown.numpy().reshape(101, -1), axis=0),
        np.sort(expected.reshape(101, -1), axis=0),
        atol=1e-6,
    )
    assert not torch.equal(shown, torch.cat([images for images, _ in second]))


@pytest.mark.parametrize("copies_at_once", [False, True])
def test_an_image_that_comes_twice_is_not_augmented_alike(monkeypatch, copies_at_once):
    source = batches(sampling="balanced", augment={"translate": 2, "flip": "random"})
    if copies_at_once:
        source._on_device = torch.from_numpy(DATASET.images)
    order, seen = source._order(1, 1).tolist(), []
    shown = torch.cat([images for images, _ in source.epoch(1, 1)])
    for row in set(order):
        seen += [{image.numpy().tobytes() for image in shown[np.array(order) == row]}]
    often = [
        len(kinds) for kinds, row in zip(seen, set(order), strict=True) if order.count(row) > 3
    ]
    assert len(often) > 3
    assert min(often) > 1
    rest = torch.cat([images for images, _ in source.epoch(1, 1, first_step=3)])
    assert torch.equal(rest, shown[45:])  # three batches of 15


def test_images_keep_their_labels():
    rows = np.array([100, 3, 75])
    (images, labels) = next(iter(batches(rows).epoch(1, 1)))
    for image, label in zip(images, labels, strict=True):
        pixels = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        (row,) = [r for r in rows if np.array_equal(DATASET.images[r], pixels)]
        assert LABELS[row] == label


def test_images_are_channels_last_in_memory():
    images, _ = next(iter(batches().epoch(1, 1)))
    assert images.shape == (15, 3, 4, 4)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_a_resumed_epoch_goes_on_where_it_stood():
    source = batches(augment={"flip": "random", "translate": 1})
    whole = list(source.epoch(2, 3))
    rest = list(source.epoch(2, 3, first_step=4))
    assert len(rest) == 3
    for (images, labels), (again, same) in zip(whole[4:], rest, strict=True):
        assert torch.equal(images, again)
        assert torch.equal(labels, same)


def test_balanced_sampling_gives_every_class_the_same_chance():
    source = batches(sampling="balanced")
    labels = torch.cat([drawn for epoch in range(1, 31) for _, drawn in source.epoch(1, epoch)])
    shares = np.bincount(labels.numpy(), minlength=3) / len(labels)
    assert np.allclose(shares, 1 / 3, atol=0.03)


def test_class_weights_are_scikit_learns():
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    assert class_weights(LABELS, 3) == pytest.approx(expected)
    assert class_weights(LABELS, 4)[3] == 0


def test_weights_by_name_are_of_classes_that_there_are():
    check_named_weights("balanced", DATASET)
    check_named_weights({"a": 2.0, "c": 0.5}, DATASET)
    with pytest.raises(ConfigError, match=r"training\.class_weights: d has no class 'bb'"):
        check_named_weights({"a": 1.0, "bb": 2.0}, DATASET)
