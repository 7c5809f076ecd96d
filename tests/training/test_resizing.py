"""Images that are small at first, against Pillow's resampling and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from stopping import content, kill_at

from cnnlab.config import ResizingConfig, TrainingConfig
from cnnlab.data.dataset import Dataset
from cnnlab.errors import ConfigError, Interrupted
from cnnlab.inference import Preprocessing
from cnnlab.models import load_architecture
from cnnlab.runs import open_run
from cnnlab.training.batches import Batches
from cnnlab.training.loop import resume
from cnnlab.training.resizing import SizeSchedule, check_resizing, shrink, size_at_scale

HALF_THEN_MORE = [{"scale": 0.5, "until": 0.4}, {"scale": 0.75, "until": 0.7}]


def schedule(parts, *, full=(32, 32), steps=100):
    return SizeSchedule([ResizingConfig(**part) for part in parts], full=full, steps=steps)


def test_each_part_lasts_until_its_share_of_the_steps():
    sizes = schedule(HALF_THEN_MORE)
    assert [sizes.at(step) for step in (0, 39, 40, 69, 70, 99)] == [
        (16, 16),
        (16, 16),
        (24, 24),
        (24, 24),
        (32, 32),
        (32, 32),
    ]
    assert sizes.shares() == [((16, 16), 0.4), ((24, 24), 0.3), ((32, 32), 0.3)]


def test_a_training_too_short_for_a_part_passes_it_over():
    sizes = schedule([{"scale": 0.5, "until": 0.1}], steps=3)
    assert sizes.shares() == [((32, 32), 1.0)]
    assert sizes.at(0) == (32, 32)


@given(
    ends=st.lists(st.floats(0.01, 0.99), max_size=4, unique=True),
    steps=st.integers(1, 50),
    first=st.integers(0, 50),
    more=st.integers(0, 50),
)
def test_work_is_the_sum_over_the_steps(ends, steps, first, more):
    parts = [{"scale": 0.3 + 0.1 * i, "until": end} for i, end in enumerate(sorted(ends))]
    sizes = schedule(parts, full=(20, 30), steps=steps)
    end = min(first + more, steps)
    costs = [(np.prod(sizes.at(step)) / 600) ** 0.72 for step in range(min(first, steps), end)]
    assert sizes.work(min(first, steps), end) == pytest.approx(sum(costs))
    assert sum(share for _, share in sizes.shares()) == pytest.approx(1)


def test_no_side_vanishes():
    assert size_at_scale((32, 7), 0.01) == (1, 1)
    assert size_at_scale((33, 64), 0.5) == (16, 32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (24, 20), (9, 31)])
def test_images_are_resampled_as_pillow_does(channels, size):
    images = np.random.default_rng(1).integers(0, 256, (5, 32, 32, channels), dtype=np.uint8)
    small = shrink(torch.from_numpy(images), size)
    assert small.shape == (5, *size, channels)
    assert small.dtype == torch.uint8
    for image, ours in zip(images, small.numpy(), strict=True):
        for channel in range(channels):
            theirs = Image.fromarray(image[..., channel]).resize(
                size[::-1], Image.Resampling.BILINEAR
            )
            apart = np.abs(np.asarray(theirs, dtype=int) - ours[..., channel])
            assert apart.max() <= 1


def test_whole_images_are_left_as_they_are():
    images = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    assert shrink(images, (8, 8)) is images


def test_batches_grow_in_the_course_of_a_stage_and_a_resumed_epoch_too():
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)
    dataset = Dataset("d", images, np.arange(60) % 2, ("a", "b"), {"train": 60}, "f")
    config = TrainingConfig.model_validate(
        {"batch_size": 10, "epochs": 2, "progressive_resizing": [{"scale": 0.5, "until": 0.75}]}
    )
    unit = Preprocessing((0.0,) * 3, (1.0,) * 3, (16, 16))
    device = torch.device("cpu")
    source = Batches(dataset, np.arange(60), config, unit, seed=0, device=device)
    sides = [[shown.shape[-1] for shown, _ in source.epoch(1, epoch)] for epoch in (1, 2)]
    assert sides == [[8] * 6, [8] * 3 + [16] * 3]
    rest = list(source.epoch(1, 2, first_step=2))
    assert [shown.shape[-1] for shown, _ in rest] == [8] + [16] * 3
    assert rest[0][0].is_contiguous(memory_format=torch.channels_last)


POOLED = """
name: pooled
layers:
  - {type: Conv2D, filters: 8, kernel_size: 3, padding: same, activation: relu}
  - {type: GlobalAveragePooling2D}
  - {type: Dense, units: classes}
"""


@pytest.fixture
def pooled(tmp_path):
    path = tmp_path / "pooled.yaml"
    path.write_text(POOLED, encoding="utf-8")
    return path


def test_case_18_a_training_that_grows_is_resumed_exactly(fit, pooled):
    settings = {
        "model": {"name": str(pooled)},
        "training": {"progressive_resizing": [{"scale": 0.5, "until": 0.5}]},
    }
    whole = fit(**settings)
    plain = fit(model=settings["model"])
    assert content(whole) != content(plain)
    with pytest.raises(Interrupted):
        fit(kill_at(5), name="cut", **settings)
    cut = open_run(whole.path.parent / "cut")
    resume(cut)
    assert content(cut) == content(whole)


def test_a_network_for_one_size_is_refused_before_anything_is_written(fit, tmp_path):
    with pytest.raises(ConfigError) as caught:
        fit(training={"progressive_resizing": [{"scale": 0.5, "until": 0.5}]})
    assert str(caught.value) == (
        "training.progressive_resizing: the layer 'dense' of tiny cannot take images of 6 x 6; "
        "expected a larger scale, or a network that pools over the whole map before its first "
        "Dense"
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("model", ["fastnet", "resnet18"])
def test_builders_that_pool_over_the_whole_map_take_small_images(model):
    architecture = load_architecture(model, input_shape=(32, 32, 3), classes=10)
    check_resizing(architecture, [ResizingConfig(scale=0.5, until=0.5)])
    with pytest.raises(ConfigError, match="cannot take images of 1 x 1"):
        check_resizing(architecture, [ResizingConfig(scale=0.01, until=0.5)])
