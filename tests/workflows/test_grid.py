"""Grids of settings: how values are divided, what is trained, what the runs are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import ConfigError, RunError
from cnnlab.runs import list_runs, open_runs
from cnnlab.settings import parse_override, split_values
from cnnlab.workflows.configure import configure
from cnnlab.workflows.grid import divide_overrides, train_grid

words = st.from_regex(r"[a-z0-9.]{1,5}", fullmatch=True)
lists = st.lists(words, max_size=3).map(lambda items: f"[{','.join(items)}]")
quoted = words.map(lambda word: f'"{word},{word}"')


@given(st.lists(words | lists | quoted, min_size=2, max_size=4))
def test_commas_outside_of_brackets_and_quotes_divide_values(values):
    text = f"a.b={', '.join(values)}"
    assert split_values(text) == [f"a.b={value}" for value in values]
    alone = f"a.b={values[0]}"
    assert split_values(alone) == [alone]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=[32,64],[48,96]", [[32, 64], [48, 96]]),
        ("a={x: 1, y: [2, 3]},null", [{"x": 1, "y": [2, 3]}, None]),
        ("a='p,q',r", ["p,q", "r"]),
        ("a=it's,fine", ["it's", "fine"]),
        ("a=[[1,2],[3,4]]", [[[1, 2], [3, 4]]]),
    ],
)
def test_how_values_are_read(text, values):
    assert [parse_override(one)["a"] for one in split_values(text)] == values


def test_settings_of_one_value_stay():
    plain, axes = divide_overrides(["a.x=1", "b.y=[1,2]", "c=1,2", "d.z=p, q"])
    assert plain == ["a.x=1", "b.y=[1,2]"]
    assert {axis.key: axis.values for axis in axes} == {"c": ("1", "2"), "d.z": ("p", "q")}


@pytest.mark.parametrize(
    "texts",
    [["a=1,"], ["a=,1"], ["a=1,1"], ["a=1,2", "a=3,4"], ["a=1,2", "a=3"], ["a=3", "a=1,2"]],
)
def test_what_is_no_list_of_values_is_refused(texts):
    with pytest.raises(ConfigError, match=r"--set: 'a=.*' is no list of values; .* in quotes"):
        divide_overrides(texts)


def test_too_many_combinations_are_refused():
    many = ",".join(map(str, range(40)))
    with pytest.raises(ConfigError, match="1,600 combinations"):
        divide_overrides([f"a={many}", f"b={many}"])


def test_every_combination_with_every_seed(images, tiny_model, tmp_path):
    asked = {
        "name": "g",
        "threads": 1,
        "data": {"source": str(images)},
        "model": {"name": str(tiny_model)},
        "training": {"epochs": 1, "batch_size": 40},
    }
    _, axes = divide_overrides(["optimizer.lr=0.1,0.01", "model.without=[],[Dropout]"])

    def configured(texts):
        return configure(settings=asked, overrides=texts)

    done = train_grid(configured, axes, [0, 3], tmp_path)
    cells = [(cell["optimizer.lr"], cell["model.without"]) for cell, _ in done.cells]
    assert cells == [("0.1", "[]"), ("0.1", "[Dropout]"), ("0.01", "[]"), ("0.01", "[Dropout]")]
    for cell, trained in done.cells:
        assert [run.config["seed"] for run in trained.runs] == [0, 3]
        for run in trained.runs:
            assert run.config["optimizer"]["lr"] == float(cell["optimizer.lr"])
            dropped = "Dropout" not in {row["type"] for row in run.architecture_summary["layers"]}
            assert dropped == (cell["model.without"] == "[Dropout]")
    names = {run.name for run in list_runs(tmp_path)}
    assert "g-lr0.1-without-Dropout-seed3" in names
    assert len(names) == 8
    said = []
    again = train_grid(configured, axes, [0, 3], tmp_path, said.append)
    assert [cell.top1 for _, cell in again.cells] == [cell.top1 for _, cell in done.cells]
    assert sum("nothing to do" in str(event) for event in said) == 8
    record = done.to_dict()
    assert record["grid"] == {"optimizer.lr": ["0.1", "0.01"], "model.without": ["[]", "[Dropout]"]}
    assert record["cells"][1]["validation"]["n"] == 2
    assert "optimizer.lr" in done.to_text()
    assert "next: cnnlab compare g-lr" in done.to_text()
    opened = [run.name for run in open_runs(["g"], runs=tmp_path)]
    assert sorted(opened) == sorted(names)
    assert len(open_runs(["g-lr0.1-without-Dropout"], runs=tmp_path)) == 2


def test_a_grid_of_another_seed_is_not_taken_for_this_one(images, tiny_model, tmp_path):
    asked = {
        "name": "g",
        "threads": 1,
        "data": {"source": str(images)},
        "model": {"name": str(tiny_model)},
        "training": {"epochs": 1, "batch_size": 40},
    }
    _, axes = divide_overrides(["optimizer.lr=0.1,0.01"])

    def of_seed(seed):
        return lambda texts: configure(settings={**asked, "seed": seed}, overrides=texts)

    train_grid(of_seed(1), axes, runs=tmp_path)
    with pytest.raises(RunError, match="another configuration: seed differ"):
        train_grid(of_seed(2), axes, runs=tmp_path)
