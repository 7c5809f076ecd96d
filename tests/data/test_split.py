import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cnnlab.data.dataset import Dataset
from cnnlab.data.split import Split, SplitSizes, draw_split
from cnnlab.errors import DataError


def dataset(counts, parts=None):
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    images = np.zeros((len(labels), 1, 1, 1), dtype=np.uint8)
    names = tuple(map(str, range(len(counts))))
    return Dataset("d", images, labels, names, parts or {"train": len(labels)}, "f")


def test_cifar10_is_divided_as_in_the_report():
    data = dataset([6000] * 10, {"train": 50_000, "test": 10_000})
    split = draw_split(data, SplitSizes(), seed=0, stratify=False)
    assert (len(split.train), len(split.validation), len(split.test)) == (40_000, 10_000, 10_000)
    assert np.array_equal(split.test, np.arange(50_000, 60_000))
    assert np.all(np.diff(split.validation) > 0)
    assert not np.all(np.diff(split.train) > 0)


def test_fashion_mnist_keeps_fifty_thousand_to_train_on():
    data = dataset([7000] * 10, {"train": 60_000, "test": 10_000})
    split = draw_split(data, SplitSizes(), seed=0, stratify=False)
    assert (len(split.train), len(split.validation), len(split.test)) == (50_000, 10_000, 10_000)


def test_without_parts_two_thirds_train():
    split = draw_split(dataset([60, 60]), SplitSizes(), seed=0, stratify=True)
    assert (len(split.train), len(split.validation), len(split.test)) == (80, 20, 20)


def test_the_sources_own_validation_part_is_kept():
    data = dataset([50, 50], {"train": 70, "validation": 20, "test": 10})
    split = draw_split(data, SplitSizes(), seed=3, stratify=False)
    assert np.array_equal(split.validation, np.arange(70, 90))
    assert np.array_equal(np.sort(split.train), np.arange(70))


@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=8),
    validation=st.floats(0, 0.4),
    test=st.floats(0, 0.4),
    seed=st.integers(0, 2**32),
    stratify=st.booleans(),
)
@settings(deadline=None)
def test_a_split_is_a_function_of_its_seed_and_shares_no_image(
    counts, validation, test, seed, stratify
):
    data = dataset(counts)
    sizes = SplitSizes(validation=validation, test=test)
    split = draw_split(data, sizes, seed=seed, stratify=stratify)
    again = draw_split(data, sizes, seed=seed, stratify=stratify)
    for part in ("train", "validation", "test"):
        assert np.array_equal(split.rows(part), again.rows(part))
    together = np.concatenate([split.train, split.validation, split.test])
    assert np.array_equal(np.sort(together), np.arange(len(data)))


@given(
    counts=st.lists(st.integers(4, 200), min_size=2, max_size=10),
    share=st.floats(0, 0.9),
    seed=st.integers(0, 99),
)
@example(counts=[4, 11, 11, 11, 85], share=0.25, seed=0)
@settings(deadline=None)
def test_stratified_parts_have_every_class_in_its_share(counts, share, seed):
    data = dataset(counts)
    size = round(share * sum(counts))
    split = draw_split(data, SplitSizes(validation=size, test=0), seed=seed, stratify=True)
    assert len(split.validation) == size
    for label, count in enumerate(counts):
        held = int((data.labels[split.validation] == label).sum())
        assert abs(held - size * count / sum(counts)) < 1


def test_another_seed_gives_another_split():
    data = dataset([100, 100])
    first = draw_split(data, SplitSizes(), seed=0, stratify=False)
    second = draw_split(data, SplitSizes(), seed=1, stratify=False)
    assert not np.array_equal(first.validation, second.validation)


def test_sizes_that_do_not_fit_are_refused():
    data = dataset([5, 5])
    with pytest.raises(DataError, match="validation of 11"):
        draw_split(data, SplitSizes(validation=11, test=0), seed=0, stratify=False)
    with pytest.raises(DataError, match="no image is left to train on"):
        draw_split(data, SplitSizes(validation=10, test=0), seed=0, stratify=False)
    rows = np.arange(3)
    with pytest.raises(DataError, match="two parts"):
        Split(rows, rows[:1], rows[:0])
