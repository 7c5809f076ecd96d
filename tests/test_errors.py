"""Every error is one line and has the exit code that the command line promises."""

import inspect

import pytest

from cnnlab import errors

TREE = {
    name: item
    for name, item in vars(errors).items()
    if inspect.isclass(item) and issubclass(item, errors.CnnlabError)
}


def test_every_error_is_exported_and_drawn_in_the_docstring():
    assert sorted(TREE) == errors.__all__
    for name in TREE:
        assert name in (errors.__doc__ or "")


@pytest.mark.parametrize("name", sorted(TREE))
def test_message_is_one_line_with_what_where_expected_and_todo(name):
    if name == "Interrupted":
        error = errors.Interrupted("stopped\nby hand", exit_code=143, todo="resume")
        assert str(error) == "stopped by hand; resume"
        assert error.exit_code == 143
        return
    error = TREE[name]("bad\nfile", where="a.png", expected="a picture", todo="look at it")
    assert str(error) == "a.png: bad file; expected a picture; look at it"


def test_exit_codes():
    assert errors.CheckFailed("x").exit_code == 1
    assert {TREE[name].exit_code for name in TREE if issubclass(TREE[name], errors.InputError)} == {
        2
    }
    assert {
        TREE[name].exit_code for name in TREE if issubclass(TREE[name], errors.FailedError)
    } == {3}


def test_a_message_of_any_length_is_cut_in_its_middle():
    text = str(errors.DataError("x" * 100_000, where="file", todo="mend it"))
    assert text.startswith("file: x")
    assert text.endswith("; mend it")
    assert len(text) < 5_000
