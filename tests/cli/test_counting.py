"""The bar of verbs that go over many images."""

import io
import sys

import pytest

from cnnlab.cli.progress import counting


class Terminal(io.StringIO):
    """Takes what is written, as a terminal would."""

    def isatty(self):
        return True


def test_a_terminal_shows_a_bar_for_each_number_of_things(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with counting("explaining", "images") as show:
        assert terminal.getvalue() == ""
        for done in (10, 45):
            show(done, 45)
        show(1, 3)
    said = terminal.getvalue()
    assert "explaining" in said
    assert "45/45" in said
    assert "1/3" in said
    assert "images/s" in said


def test_elsewhere_nothing_is_written(capsys):
    with counting("explaining", "images") as show:
        show(1, 1)
    with pytest.raises(KeyError), counting("explaining", "images"):
        raise KeyError
    assert capsys.readouterr() == ("", "")
