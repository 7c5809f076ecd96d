"""Search spaces: what a file says, and what is said of one that is wrong."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import ConfigError
from cnnlab.settings import dump_yaml, parse_yaml
from cnnlab.sweeps import Choice, Int, Log, Uniform, parse_space, read_space

finite = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))
plain = st.none() | st.booleans() | st.integers(-99, 99) | finite | st.text(max_size=5)
values = plain | st.lists(plain, max_size=3) | st.dictionaries(st.text("abc", min_size=1), plain)


@st.composite
def dimensions(draw):
    kind = draw(st.sampled_from(["choice", "uniform", "log", "int"]))
    if kind == "choice":
        return {kind: draw(st.lists(values, min_size=2, max_size=5, unique_by=dump_of))}
    if kind == "int":
        low = draw(st.integers(-1000, 1000))
        return {kind: [low, low + draw(st.integers(1, 500))], "step": 1}
    low = draw(finite if kind == "uniform" else st.floats(1e-9, 1e3))
    return {kind: [low, low + draw(st.floats(1e-3, 1e3))]}


def dump_of(value):
    return dump_yaml({"value": value}) + str(type(value))


@given(st.dictionaries(st.from_regex(r"[a-z]{1,4}x\.[a-z]{1,4}", fullmatch=True), dimensions(),
                       min_size=1, max_size=4))  # fmt: skip
def test_a_space_is_read_back_from_what_it_writes(content):
    space = parse_space(parse_yaml(dump_yaml(content), where="x"))
    assert parse_space(space.to_dict()) == space
    for one in space.dimensions.values():
        for value in one.probes():
            assert one.holds(value)
            assert 0 <= one.position(value) <= 1
            assert one.value(one.label(value)) == value
            low = one.distribution.to_internal_repr(one.label(value))
            assert one.distribution._contains(low)  # Optuna agrees
    assert [one.position(one.probes()[0]) for one in space.dimensions.values()] == [0.0] * len(
        space.dimensions
    )


def test_dotted_nested_and_fixed():
    space = parse_space(
        {
            "optimizer.lr": {"log": [1e-4, 1e-1]},
            "model": {"name": "convnet", "params": {"widths": {"choice": [[4], [8]]}}},
            "training": {"epochs": 3, "early_stopping": None,
                         "batch_size": {"int": [8, 31], "step": 8}},
            "optimizer.weight_decay": {"uniform": [0, 0.1], "step": 0.04},
        }
    )  # fmt: skip
    assert dict(space.dimensions) == {
        "optimizer.lr": Log(1e-4, 1e-1),
        "model.params.widths": Choice(([4], [8])),
        "training.batch_size": Int(8, 24, 8),
        "optimizer.weight_decay": Uniform(0, 0.08, 0.04),
    }
    assert space.fixed == {
        "model": {"name": "convnet"}, "training": {"epochs": 3, "early_stopping": None},
    }  # fmt: skip
    params = {"optimizer.lr": 0.01, "model.params.widths": [8]}
    assert space.settings(params) == {
        "optimizer": {"lr": 0.01}, "model": {"params": {"widths": [8]}},
    }  # fmt: skip


def test_a_log_range_is_even_in_orders_of_magnitude():
    assert Log(1e-4, 1.0).position(1e-2) == pytest.approx(0.5)
    assert math.log10(Log(1e-4, 1.0).probes()[1]) == pytest.approx(-4 + 4 / math.sqrt(5))


def test_true_and_one_are_two_choices():
    both = Choice((True, 1))
    assert both.position(1) == 1
    assert both.value(both.label(True)) is True


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"optimizer.lr": {"lgo": [1e-4, 1]}},
         r"s, optimizer.lr: no kind of range is called 'lgo'; did you mean 'log'"),
        ({"optimizer.lr": {"log": [0, 1]}},
         r"s, optimizer.lr: log is \[0, 1\]; expected two numbers above 0"),
        ({"optimizer.lr": {"log": [1, 0.1]}}, r"expected a list of two numbers, the smaller first"),
        ({"optimizer.lr": {"uniform": [0, ".inf"]}},
         r"uniform is \[0, '.inf'\]; expected a list of two"),
        ({"optimizer.lr": {"uniform": [0, math.inf]}}, r"expected a list of two numbers"),
        ({"optimizer.lr": {"uniform": 3}}, r"uniform is 3; expected a list of two numbers"),
        ({"optimizer.lr": {"uniform": [0, 1], "step": 2}},
         r"step is 2; expected a number above 0, at most 1"),
        ({"optimizer.lr": {"uniform": [0, 1], "log": [1, 2]}}, r"two kinds of range: uniform, log"),
        ({"training.epochs": {"int": [1, 2.5]}}, r"int is \[1, 2.5\]; expected two whole numbers"),
        ({"training.epochs": {"int": [1, 3], "step": 0.5}},
         r"step is 0.5; expected a whole number from 1 to 2"),
        ({"training.epochs": {"int": [True, 3]}}, r"expected a list of two numbers"),
        ({"optimizer.lr": {"log": [1, 2], "step": 1}}, r"log takes no step"),
        ({"optimizer.lr": {"choice": [1]}}, r"expected a list of 2 to 1000 different values"),
        ({"optimizer.lr": {"choice": [1, 2, 1]}}, r"the choice 1 stands twice"),
        ({"optimizer.lr": {"choice": [1, math.nan]}}, r"expected numbers, text, true"),
        ({"seed": {"int": [0, 9]}}, r"s, seed: cannot be searched: the seed is no merit"),
        ({"data.split_seed": {"int": [0, 9]}}, r"judged on the same images; expected of data only"),
        ({"name": "x", "optimizer.lr": {"choice": [1, 2]}}, r"s, name: a sweep names its runs"),
        ({"optimizer.lr": 0.1}, r"s: nothing is searched; expected a key with choice"),
        ({"a..b": 1}, r"'a..b' is no key"),
        ({"optimizer": {"lr": {"choice": [1, 2]}}, "optimizer.lr": 3},
         r"stands twice, dotted and nested"),
        ({"model": {"choice": [{"name": "a"}, {"name": "b"}]}, "model.params.w": {"int": [1, 2]}},
         r"'model.params.w' is a part of 'model'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_file_and_key(content, said):
    with pytest.raises(ConfigError, match=said) as caught:
        parse_space(content, where="s")
    assert "\n" not in str(caught.value)


def test_a_file_is_named(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("optimizer.lr: {log: [1, 1]}")
    with pytest.raises(ConfigError, match=r"space\.yaml, optimizer\.lr: log is"):
        read_space(path)


def test_a_grid_is_every_combination_and_refuses_what_has_no_end():
    space = parse_space({"a.x": {"int": [1, 3]}, "a.y": {"choice": ["p", "q"]}})
    found = [(one["a.x"], one["a.y"]) for one in space.combinations()]
    assert sorted(found) == [(x, y) for x in (1, 2, 3) for y in "pq"]
    with pytest.raises(ConfigError, match=r"a.z: a grid needs values .* not log: \[1.0, 2.0\]"):
        parse_space({"a.z": {"log": [1, 2]}}).combinations()
    with pytest.raises(ConfigError, match="the grid has 1,000,000 combinations"):
        parse_space({"a.x": {"int": [1, 1000]}, "a.y": {"int": [1, 1000]}}).combinations()
