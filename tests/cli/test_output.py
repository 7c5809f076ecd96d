"""What is said on standard error."""

from cnnlab.cli.output import note


def test_names_from_files_do_nothing_to_the_terminal(capsys):
    note("class '\x1b[31mred\x07 \u202eevil' is käse 🧀")
    note("Usage: two\nlines\r")
    assert capsys.readouterr().err == ("class '?[31mred? ?evil' is käse 🧀\nUsage: two\nlines?\n")


def test_an_error_that_names_a_file_of_any_name(cnnlab, tmp_path):
    (tmp_path / "x.csv").write_text("file,label\n\x1b[2J.png,cat\n")
    said = cnnlab("data", "show", "x.csv").err
    assert "there is no image file '?[2J.png'" in said
    assert said.count("\n") == 1
