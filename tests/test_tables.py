import pytest

from cnnlab.tables import bytes_text, text_table


def test_numbers_stand_right_and_text_left():
    assert text_table(["name", "n"], [["a", 1], ["bcd", 1000], ["e", None]]).splitlines() == [
        "name     n",
        "a        1",
        "bcd   1000",
        "e        -",
    ]


def test_floats_have_four_digits_and_no_row_is_fine():
    assert "0.5000" in text_table(["x"], [[0.5]])
    assert text_table(["x", "y"], []) == "x  y"


def test_case_11_wide_letters_keep_the_columns_and_control_letters_do_not_act():
    lines = text_table(
        ["class", "n"], [["猫", 1], ["<script>", 2], ["a\x1b[2Jb\nc", 3]]
    ).splitlines()
    assert lines == ["class     n", "猫        1", "<script>  2", "a?[2Jb?c  3"]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.977 KiB"),
        (1536, "1.5 KiB"),
        (1023 << 10, "0.999 MiB"),
        (8 << 30, "8 GiB"),
        (3 << 50, "3.07e+03 TiB"),
    ],
)
def test_bytes_have_three_digits_and_the_largest_unit_that_fits(count, said):
    assert bytes_text(count) == said
