import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import ConfigError
from cnnlab.settings import (
    changed_keys,
    dump_yaml,
    load_yaml,
    merge,
    parse_duration,
    parse_override,
    parse_yaml,
    with_overrides,
)

PLAIN = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20)
FLOATS = st.floats(allow_nan=False)
KEYS = st.text("abcdefgh_", min_size=1, max_size=6)
TREES = st.recursive(
    PLAIN | FLOATS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_what_is_written_is_read_back(content):
    assert parse_yaml(dump_yaml(content), where="test") == (content or {})


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-4", 1e-4), ("1E3", 1000.0), ("-2e+1", -20.0), ("1.5e-3", 0.0015), (".5", 0.5)],
)
def test_numbers_with_an_exponent_are_numbers(text, value):
    assert parse_yaml(text, where="test") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "the key 'a' stands twice"),
        ("a: [1", "line"),
        ("a:\n\t- b", "line 2"),
        ("!!python/object/apply:os.system [true]", "could not determine a constructor"),
        ("? [a, b]\n: 1", "is no text: put it in quotes"),
        ("a: {1: 2}", "the key 1 is no text"),
        ("on: 3", "the key True is no text"),
        ("a: &x {b: *x}", "an alias (*) is not allowed"),
        ("[" * 2000, ""),
        # Found by fuzzing: what trips PyYAML with something else than its own errors.
        ("a: !!int abc", "cannot be read"),
        ("a: !!bool maybe", "cannot be read"),
        ("a: !!timestamp x", "cannot be read"),
        ("a: 2001-99-99", "cannot be read"),
        ("a: " + "9" * 5000, "cannot be read"),
    ],
)
def test_broken_yaml_is_one_line_with_its_place(text, said):
    with pytest.raises(ConfigError, match="here") as caught:
        parse_yaml(text, where="here")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_must_hold_a_mapping(tmp_path):
    path = tmp_path / "a.yaml"
    with pytest.raises(ConfigError, match="no such file"):
        load_yaml(path)
    path.write_text("- 1")
    with pytest.raises(ConfigError, match="holds a list; expected a mapping"):
        load_yaml(path)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_yaml(path)
    path.write_text("")
    assert load_yaml(path) == {}


def test_merging_lays_one_mapping_on_the_other():
    below = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert merge(below, {"a": {"c": 3}, "d": [2], "e": None}) == {
        "a": {"b": 1, "c": 3},
        "d": [2],
        "e": None,
    }
    assert below == {"a": {"b": 1, "c": 2}, "d": [1]}


def test_changed_keys_are_dotted():
    old = {"a": {"b": 1, "c": 2}, "d": 3, "e": None}
    assert changed_keys(old, {"a": {"b": 1, "c": 9}, "d": 3}) == ["a.c", "e"]
    assert changed_keys(old, old) == []


def test_overrides():
    assert parse_override("a.b=1e-4") == {"a": {"b": 1e-4}}
    assert parse_override("a=x=y") == {"a": "x=y"}
    assert with_overrides({"a": {"b": 1}}, ["a.b=2", "a.c=[1, 2]", "a.b=3"]) == {
        "a": {"b": 3, "c": [1, 2]}
    }
    for text in ("a", "=1", "a..b=1"):
        with pytest.raises(ConfigError, match="key=value"):
            parse_override(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("1.5m", 90), (" 1h 2m 3s ", 3723)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-1", "nan", "inf", "m", "2 minutes", "1m1h"])
def test_what_is_no_duration(text):
    with pytest.raises(ConfigError, match=r"--time-limit: .*e\.g\. 90s"):
        parse_duration(text, where="--time-limit")
