import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.config import TrainingConfig
from cnnlab.errors import ConfigError
from cnnlab.training.stages import Length, plan_stages


def config(**values):
    return TrainingConfig.model_validate(values)


def test_full_training_is_one_stage_that_holds_out_its_last_fifth():
    rows = np.random.default_rng(0).permutation(40_000)
    (stage,) = plan_stages(rows, config(inner_validation=0.2))
    assert np.array_equal(stage.train, rows[:32_000])
    assert np.array_equal(stage.inner, rows[32_000:])


def test_sequential_training_takes_chunk_after_chunk_as_the_report_did():
    rows = np.arange(30_000)
    stages = plan_stages(rows, config(mode="sequential", inner_validation=0.2))
    assert [len(stage.train) for stage in stages] == [8_000] * 3
    assert [stage.train[0] for stage in stages] == [0, 10_000, 20_000]
    assert [stage.inner[0] for stage in stages] == [8_000, 18_000, 28_000]


def test_fewer_images_than_a_chunk_are_one_stage():
    (stage,) = plan_stages(np.arange(70), config(mode="sequential"))
    assert len(stage.train) == 70


@pytest.mark.parametrize(("asked", "there"), [(None, 2), (1, 1), (2, 2), (3, 2)])
def test_there_are_as_many_stages_as_asked_for_and_chunks(asked, there):
    stages = plan_stages(np.arange(25), config(mode="sequential", stage_size=10, stages=asked))
    assert [list(stage.train) for stage in stages] == [
        list(range(10 * number, 10 * number + 10)) for number in range(there)
    ]


def test_a_stage_needs_an_image():
    with pytest.raises(ConfigError, match="inner_validation"):
        plan_stages(np.arange(1), config(inner_validation=0.9))


@given(
    count=st.integers(1, 300),
    size=st.integers(1, 100),
    share=st.floats(0, 0.5),
    mode=st.sampled_from(["full", "sequential"]),
)
def test_no_row_stands_in_two_places(count, size, share, mode):
    try:
        stages = plan_stages(
            np.arange(count), config(mode=mode, stage_size=size, inner_validation=share)
        )
    except ConfigError:
        assert size * (1 - share) < 1 or count * (1 - share) < 1
        return
    rows = np.concatenate([np.concatenate([stage.train, stage.inner]) for stage in stages])
    assert len(np.unique(rows)) == len(rows)
    assert len(rows) > count - size or mode == "full"


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 9), st.none() | st.integers(1, 400))
def test_the_steps_of_a_stages_epochs_add_up_to_its_length(images, batch, epochs, steps):
    length = Length.of(images, config(batch_size=batch, epochs=epochs, steps=steps))
    assert length.batches == len(range(0, images, batch))
    taken = [length.steps_of(epoch) for epoch in range(1, length.epochs + 1)]
    assert sum(taken) == length.steps == min(epochs * length.batches, steps or 10**9)
    assert taken[:-1] == [length.batches] * (length.epochs - 1)
    assert 1 <= taken[-1] <= length.batches
    assert length.epochs <= epochs
