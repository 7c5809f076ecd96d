import numpy as np
import pytest
import torch

from cnnlab.config import AugmentConfig
from cnnlab.training.augment import Augmenter

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (60, 9, 7, 3), dtype=np.uint8))
ROWS = torch.arange(60)


def augmented(seed=0, stage=1, epoch=1, rows=ROWS, **values):
    augmenter = Augmenter(AugmentConfig(**values), count=60, size=(9, 7), seed=seed)
    augmenter.start_epoch(stage, epoch)
    return augmenter.apply(IMAGES[rows], rows)


def test_nothing_asked_nothing_done():
    assert torch.equal(augmented(), IMAGES)


@pytest.mark.parametrize("values", [{"flip": "random"}, {"translate": 2}, {"cutout": 3}])
def test_draws_are_a_function_of_seed_stage_and_epoch_and_not_of_the_batch(values):
    first = augmented(**values)
    assert torch.equal(first, augmented(**values))
    shuffled = torch.randperm(60)
    assert torch.equal(first[shuffled], augmented(rows=shuffled, **values))
    for other in ({"seed": 1}, {"epoch": 2}, {"stage": 2}):
        assert not torch.equal(first, augmented(**other, **values))


def test_random_flips_mirror_about_half_left_to_right():
    result = augmented(flip="random")
    mirrored = [torch.equal(a, b.flip(1)) for a, b in zip(result, IMAGES, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(result, IMAGES, strict=True)]
    assert all(a or b for a, b in zip(mirrored, kept, strict=True))
    assert 15 < sum(mirrored) < 45


def test_alternating_flips_show_each_image_both_ways_in_two_epochs():
    first, second = augmented(flip="alternating"), augmented(flip="alternating", epoch=2)
    assert torch.equal(first.flip(2), second)
    assert torch.equal(augmented(flip="alternating", epoch=3), first)
    assert not torch.equal(first, IMAGES)


def test_translation_is_a_window_of_the_reflected_image():
    result = augmented(translate=2).numpy()
    padded = np.pad(IMAGES.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    offsets = set()
    for image, wide in zip(result, padded, strict=True):
        found = [
            (y, x)
            for y in range(5)
            for x in range(5)
            if np.array_equal(image, wide[y : y + 9, x : x + 7])
        ]
        assert len(found) == 1
        offsets.add(found[0])
    assert len(offsets) > 12


def test_cutout_sets_a_square_to_the_images_mean():
    result = augmented(cutout=3)
    for image, original in zip(result, IMAGES, strict=True):
        changed = (image != original).any(dim=2)
        assert 0 < int(changed.sum()) <= 9
        grey = original.float().mean(dim=(0, 1)).to(torch.uint8)
        assert torch.equal(image[changed], grey.expand(int(changed.sum()), 3))


@pytest.mark.parametrize("side", [1, 2, 3])
def test_tiny_images_can_be_shifted(side):
    images = IMAGES[:, :side, :side]
    augmenter = Augmenter(AugmentConfig(translate=4), count=60, size=(side, side), seed=0)
    augmenter.start_epoch(1, 1)
    assert augmenter.apply(images.clone(), ROWS).shape == images.shape
