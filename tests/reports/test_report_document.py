"""The document model: numbers that agree, tables that are rectangular."""

from __future__ import annotations

import pytest

from cnnlab.reports.document import Figure, Heading, Paragraph, Table, numbered

TABLE = Table.of(["a", "b"], [["x", "1"]], "caption")
FIGURE = Figure("name", b"<svg/>", "alt", "caption")


def test_headings_tables_and_figures_are_counted_apart() -> None:
    blocks = [Heading("one"), TABLE, Heading("sub", 3), FIGURE, TABLE, Paragraph("text")]
    blocks += [Heading("two"), Heading("sub", 3), FIGURE]
    numbers = [number for number, _ in numbered(blocks)]
    assert numbers == ["1", "Table 1", "1.1", "Figure 1", "Table 2", "", "2", "2.1", "Figure 2"]


def test_text_stands_left_and_numbers_right() -> None:
    assert Table.of(["a", "b", "c"], [], "", text_columns=(0, 2)).alignments == (
        "left",
        "right",
        "left",
    )


@pytest.mark.parametrize("rows", [[["x"]], [["x", "1"], ["x", "1", "2"]]])
def test_a_ragged_table_is_a_programming_error(rows: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="the table 'caption' has rows of"):
        Table.of(["a", "b"], rows, "caption")
