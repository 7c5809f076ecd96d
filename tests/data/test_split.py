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
    held = np.bincount(data.labels[split.validation], minlength=len(counts))
    exact = size * np.array(counts) / sum(counts)
    if np.all(exact <= np.array(counts) - 1):  # else some class may have to keep its last image
        assert np.all(np.abs(held - exact) < 1)


def in_classes(data, rows):
    """How many images of each class there are among rows."""
    return np.bincount(data.labels[rows], minlength=len(data.class_names))


def shares_by_hamilton(data, pool, count):
    """The rows that the plain method takes: the last of each class in the pool."""
    places = [np.flatnonzero(data.labels[pool] == label) for label in range(len(data.class_names))]
    quotas = [divmod(count * len(place), max(len(pool), 1)) for place in places]
    left = count - sum(share for share, _ in quotas)
    # In the order of remainders, then of the row that would come next.
    following = [
        (rest, place[len(place) - share - 1] if share < len(place) else -1, label)
        for label, (place, (share, rest)) in enumerate(zip(places, quotas, strict=True))
    ]
    more = {label for _, _, label in sorted(following)[len(places) - left :]}
    taken = np.zeros(len(pool), dtype=bool)
    for label, (place, (share, _)) in enumerate(zip(places, quotas, strict=True)):
        taken[place[len(place) - share - (label in more) :]] = True
    return pool[taken], pool[~taken]


@given(
    counts=st.lists(st.integers(1, 12), min_size=2, max_size=9),
    shares=st.tuples(*[st.floats(0, 1)] * 3),
    seed=st.integers(0, 99),
)
@example(counts=[1, 1, 1, 9], shares=(0.3, 0.3, 0.7), seed=0)
@settings(deadline=None)
def test_every_class_keeps_an_image_to_train_on(counts, shares, seed):
    data = dataset(counts)
    test = round(shares[0] * len(data))
    validation = round(shares[1] * (len(data) - test))
    train = round(shares[2] * (len(data) - test - validation))
    sizes = SplitSizes(train, validation, test)
    if not train:
        with pytest.raises(DataError, match="no image is left"):
            draw_split(data, sizes, seed=seed, stratify=True)
        return
    split = draw_split(data, sizes, seed=seed, stratify=True)
    assert [len(split.rows(part)) for part in ("train", "validation", "test")] == [
        train, validation, test,
    ]  # fmt: skip
    together = np.concatenate([split.train, split.validation, split.test])
    assert len(np.unique(together)) == len(together)
    missing = int((in_classes(data, split.train) == 0).sum())
    if train >= len(counts):
        assert missing == 0
    pool = np.random.default_rng([seed, 0x5B117]).permutation(len(data))
    plain_test, pool = shares_by_hamilton(data, pool, test)
    plain_validation, pool = shares_by_hamilton(data, pool, validation)
    plain_train, _ = shares_by_hamilton(data, pool, train)
    if np.all(in_classes(data, plain_train)):
        assert np.array_equal(split.train, plain_train)
        assert np.array_equal(split.validation, np.sort(plain_validation))
        assert np.array_equal(split.test, np.sort(plain_test))


def test_an_image_that_is_alone_in_its_class_trains():
    data = dataset([1, 40, 1])
    for seed in range(20):
        split = draw_split(data, SplitSizes(validation=19, test=20), seed=seed, stratify=True)
        assert in_classes(data, split.train).tolist() == [1, 1, 1]
        assert in_classes(data, split.test).tolist() == [0, 20, 0]


def test_more_classes_than_images_to_train_on_lose_no_more_than_they_must():
    data = dataset([2, 2, 2, 2])
    split = draw_split(data, SplitSizes(validation=0, test=5), seed=0, stratify=True)
    assert sorted(in_classes(data, split.train).tolist()) == [0, 1, 1, 1]


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
