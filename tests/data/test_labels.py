"""Numbers and texts as labels."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.data.labels import Labelled, check_class_names, check_parts, label_numbers, label_texts
from cnnlab.errors import DataError


def place(row: int) -> str:
    return f"row {row}"


@given(st.lists(st.integers(0, 40), min_size=1))
def test_every_label_can_be_read_back_from_its_class(numbers: list[int]) -> None:
    found = label_numbers(np.array(numbers), place)
    assert [int(found.class_names[label]) for label in found.labels] == numbers
    assert [int(name) for name in found.class_names] == sorted(set(numbers))
    assert bool(found.notes) == (sorted(set(numbers)) != list(range(len(set(numbers)))))


@given(st.lists(st.text(min_size=1), min_size=1))
def test_every_text_can_be_read_back_from_its_class(texts: list[str]) -> None:
    if all(re.fullmatch("-?[0-9]+", text) for text in texts) and any("-" in text for text in texts):
        return  # numbers below 0 are refused
    found = label_texts(texts, place)
    assert [found.class_names[label] for label in found.labels] == texts


def test_texts_that_are_numbers_are_sorted_as_numbers() -> None:
    assert label_texts(["10", "9", "0"], place).class_names == ("0", "9", "10")
    assert label_texts(["10", "9", "x"], place).class_names == ("10", "9", "x")
    assert label_texts(["1", "01"], place).class_names == ("01", "1")
    assert label_texts(["1", "٣"], place).class_names == ("1", "٣")
    assert label_texts(["1" * 19, "2"], place).class_names == ("1" * 19, "2")
    with pytest.raises(DataError, match="row 1: label -1"):
        label_texts(["0", "-1"], place)


def test_names_give_the_order() -> None:
    found = label_texts(["b", "a"], place, ["b", "c", "a"])
    assert found.labels.tolist() == [0, 2]
    assert found.class_names == ("b", "c", "a")
    assert label_texts(["0", "1"], place, ["1", "0"]).labels.tolist() == [1, 0]


def test_too_many_classes_are_no_classes() -> None:
    with pytest.raises(DataError, match="row 0: 10,001 different labels; expected at most 10,000"):
        label_numbers(np.arange(10_001), place)
    with pytest.raises(DataError, match="10,001 different labels"):
        label_texts([f"x{number}" for number in range(10_001)], place)


def checked(labels: list[int], names: int, **parts: int) -> Labelled:
    labelled = Labelled(np.array(labels), tuple("abcdef"[:names]))
    return check_parts(labelled, parts, place, "somewhere")


def test_parts_and_their_classes() -> None:
    assert checked([0, 1], 2, train=2).notes == ()
    assert checked([0, 1, 1, 0, 1], 4, train=2, validation=1, test=2).notes == (
        "there are no images of: c, d",
        "validation has no images of: a",
    )
    with pytest.raises(DataError, match="row 3: class 'c' is in validation but not in train"):
        checked([0, 1, 0, 2, 2], 3, train=2, validation=2, test=1)
    with pytest.raises(DataError, match="row 2: class 'c' is in test but not in train"):
        checked([0, 1, 2], 3, train=2, test=1)
    with pytest.raises(DataError, match="somewhere: there are no images to train on"):
        checked([0, 1], 2, test=2)
    with pytest.raises(
        DataError, match=r"somewhere: only one class, 'b'; expected .* at least two"
    ):
        checked([1, 1], 2, train=2)


def test_more_names_than_anybody_means_are_refused() -> None:
    names = [f"class {number}" for number in range(10_001)]
    assert len(check_class_names(names[1:], "x")) == 10_000
    with pytest.raises(DataError, match="x: 10,001 class names; expected at most 10,000 classes"):
        check_class_names(names, "x")
    with pytest.raises(DataError, match="row 0: 10,001 classes; expected at most 10,000 classes"):
        label_numbers(np.array([0, 1]), lambda row: f"row {row}", names)
