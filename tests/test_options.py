"""Options: what they take, and what they say of what they do not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.options import Choice, Flag, Number, Option, OrNone, Plain, Text, fill_options

OPTIONS: dict[str, Option[Plain]] = {
    "size": Number(6000, low=10, high=1_000_000, meaning="how many"),
    "share": Number(0.5, open_low=True),
    "mirror": Flag(False),
    "labels": Choice(("fine", "coarse")),
    "column": Text(),
    "name": Text("image"),
}


def test_what_is_left_out_has_its_default() -> None:
    assert fill_options("it", OPTIONS, None) == {
        "size": 6000, "share": 0.5, "mirror": False, "labels": "fine", "column": None,
        "name": "image",
    }  # fmt: skip
    given = {"size": 10, "share": 1, "mirror": True, "labels": "coarse", "column": "x", "name": "y"}
    filled = fill_options("it", OPTIONS, given)
    assert filled == given
    assert isinstance(filled["share"], float)
    assert fill_options("it", OPTIONS, filled) == filled


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"size": 9}, "it, size: the value is 9; expected a whole number from 10 to 1,000,000"),
        ({"size": 10.5}, "expected a whole number"),
        ({"size": True}, "expected a whole number"),
        ({"size": "10"}, "the value is '10'; expected a whole number"),
        ({"share": 0}, "expected a number above 0 to 1"),
        ({"share": math.nan}, "expected a number above 0 to 1"),
        ({"mirror": 1}, "expected true or false"),
        ({"labels": "finest"}, "expected one of fine, coarse"),
        ({"labels": None}, "expected one of fine, coarse"),
        ({"column": ""}, "expected text, or null"),
        ({"column": ["x"]}, "expected text, or null"),
        ({"name": None}, "the value is None; expected text"),
    ],
)
def test_a_wrong_value_is_told_what_is_allowed(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        fill_options("it", OPTIONS, given)


def test_an_unknown_option_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="it has no option 'sise'; did you mean 'size'"):
        fill_options("it", OPTIONS, {"sise": 3})
    with pytest.raises(UnknownNameError, match="did you mean 'channels'"):
        fill_options("it", OPTIONS, {"chanels": 3}, beside=["channels"])


@given(st.floats() | st.integers())
def test_a_number_is_taken_exactly_where_it_lies_in_the_range(value: float) -> None:
    option = Number(3, low=-5, high=5, open_high=True)
    if -5 <= value < 5 and value == math.floor(value):
        taken = option.check(value, where="x")
        assert taken == value
        assert isinstance(taken, int)
    else:
        with pytest.raises(ConfigError):
            option.check(value, where="x")


def test_what_may_be_left_to_be_found_out() -> None:
    option = OrNone(Number(2.0, 0.0, 9.0, open_low=True, meaning="the white"))
    assert fill_options("it", {"white": option}, {}) == {"white": None}
    assert fill_options("it", {"white": option}, {"white": None}) == {"white": None}
    assert fill_options("it", {"white": option}, {"white": 3}) == {"white": 3.0}
    assert (option.meaning, option.allowed) == ("the white", "a number above 0 to 9, or null")
    with pytest.raises(ConfigError, match=r"it, white: .* a number above 0 to 9$"):
        fill_options("it", {"white": option}, {"white": 0})
