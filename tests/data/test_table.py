"""Tables of files and labels: the text of them, held against the csv module's writer."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.data.forms.table import Columns, NoLabelsError, Row, read_table
from cnnlab.errors import DataError

ROWS = [("a.png", "cat"), ("sub folder/b, c.png", 'a "dog"'), ("ü.png", "käse <script>")]


def table(data: str | bytes, **columns: str) -> list[Row]:
    encoded = data.encode() if isinstance(data, str) else data
    return read_table(encoded, "labels.csv", Columns(**columns))


def plain(rows: list[Row]) -> list[tuple[str, str]]:
    return [(row.file, row.label) for row in rows]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("header", [None, ("file", "label"), ("Image ID", "Class")])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_the_csv_module_writes(
    delimiter: str, header: tuple[str, str] | None, mark: bytes, end: str
) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerows([*([header] if header else []), *ROWS])
    found = table(mark + stream.getvalue().encode())
    assert plain(found) == ROWS
    assert [row.line for row in found] == ([2, 3, 4] if header else [1, 2, 3])
    assert {row.part for row in found} == {None}


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: text == text.strip()
)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1), st.sampled_from(",;\t"))
def test_any_text_comes_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("filename", "label"), *rows])
    assert plain(table(stream.getvalue())) == rows


def test_parts_under_any_of_their_names() -> None:
    text = "file,label,split\na,x,Train\nb,x,val\nc,x,VALID\nd,x,validation\ne,x,testing\n"
    parts = ["train", "validation", "validation", "validation", "test"]
    assert [row.part for row in table(text)] == parts
    assert [row.part for row in table(text.partition("\n")[2])] == parts
    with pytest.raises(DataError, match=r"line 3: the part is 'dev'; expected train, validation"):
        table("file,label,split\na,x,train\nb,x,dev\n")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("file,label", "F,L"),
        ("label,file", "L,F"),
        ("file_name,text,label", "F,?,L"),
        ("id,filename,class", "?,F,L"),
        ("id,breed", "F,L"),
        ("image_id,dx", "F,L"),
        ("split,image,category", "test,F,L"),
        ("label;img;width;height", "L;F;?;?"),
        ("Foto\tLabel", "F\tL"),
        ("class,class_name,path", "L,?,F"),
        ("label,part,PATH", "L,train,F"),
    ],
)
def test_columns_are_known_by_their_names(header: str, row: str) -> None:
    (found,) = table(f"{header}\n{row}\n")
    assert (found.file, found.label) == ("F", "L")


def test_a_first_line_that_names_no_image_is_a_header_where_the_next_one_does() -> None:
    assert plain(table("bild,tier\n1.png,cat\n")) == [("1.png", "cat")]
    assert plain(table("tier,bild\ncat,1.png\n")) == [("cat", "1.png")]  # says nothing: in order
    assert plain(table("1,cat\n2,dog\n")) == [("1", "cat"), ("2", "dog")]
    assert plain(table("id.png,name\n")) == [("id.png", "name")]
    for first in ("/etc/passwd", "a/b", "a.b", "a\\b"):
        assert plain(table(f"{first},cat\n1.png,dog\n")) == [(first, "cat"), ("1.png", "dog")]


def test_columns_can_be_chosen() -> None:
    text = "patient,scan,dx,stage\n1,a.png,nv,2\n2,b.png,mel,1\n"
    with pytest.raises(DataError) as caught:
        table(text)
    assert str(caught.value) == (
        "labels.csv, line 1: it is not clear which column holds the files; expected e.g. file and "
        "label; there are patient, scan, dx, stage; give the path of the table and name it: "
        "--set data.file_column=NAME"
    )
    with pytest.raises(DataError, match=r"holds the labels; .*data\.label_column=NAME"):
        table(text, file="scan")
    assert plain(table(text, file="scan", label="stage")) == [("a.png", "2"), ("b.png", "1")]
    text = text.replace("2\n", "val\n").replace("1\n", "train\n")
    found = table(text, file="scan", label="dx", split="stage")
    assert [row.part for row in found] == ["validation", "train"]
    with pytest.raises(DataError, match="no column is called 'Scan'; expected one of: patient, sc"):
        table(text, file="Scan", label="dx")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "labels.csv: the table is empty"),
        ("\n\n , \n", "labels.csv: the table is empty"),
        ("file,label\n", "labels.csv: the table has no rows"),
        ("a.png\nb.png\n", "line 1: only one column, 'a.png'; expected file and label, separated"),
        ("\n\na.png|cat", "line 3: only one column"),
        ("a.png,cat,train,x", "line 1: 4 columns without names; .* name the columns"),
        ("a.png,cat\n\nb.png\n", "line 3: 1 values; expected 2, as in the first line"),
        ("a.png,cat\nb,c.png,dog\n", "line 2: 3 values; expected 2, .* in double quotes"),
        ("a.png,cat\n,dog\n", "line 2: the file is empty"),
        ("file,label\na.png, \n", "line 2: the label is empty"),
        ("file,label\na.png,cat\n'", "line 3: 1 values"),
        ('file,label\na.png,"cat\nb.png,dog\n', "line 3: no table: unexpected end of data"),
        ('file,label\na.png,"cat"x\n', "line 2: no table: ',' expected after '\"'"),
        ("file,label\na.png,c\0at\n", "line 2: a NUL character"),
        (f"file,label\na.png,{'x' * 200_000}\n", "line 2: no table: field larger than"),
        ("file,label\na.png,cät\n".encode("latin-1"), "line 2: the text is not UTF-8; save it"),
        ("file,label\na.png,cat\n".encode("utf-16"), "the text is UTF-16; save it as UTF-8"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        table(text)


@given(st.binary(max_size=80))
def test_any_bytes_are_rows_or_an_error(data: bytes) -> None:
    try:
        found = table(data)
    except DataError:
        return
    assert all(row.file and row.label for row in found)


@given(st.text(st.sampled_from('ab.png,;\t"\n\r '), max_size=60))
def test_anything_like_a_table_is_rows_or_an_error(text: str) -> None:
    try:
        found = table(text)
    except DataError:
        return
    assert all(row.file and row.label for row in found)


def test_a_quoted_line_break_keeps_the_count_of_lines() -> None:
    found = table('file,label\n"a\nb.png",cat\nc.png,dog\n')
    assert [(row.line, row.file) for row in found] == [(2, "a\nb.png"), (4, "c.png")]


@pytest.mark.parametrize("text", ["id\n1\n", "id,width,height\n1,8,8\n", "a,b,c\n1.png,2,3\n"])
def test_a_table_without_a_column_of_labels_is_told_from_a_broken_one(text: str) -> None:
    with pytest.raises(NoLabelsError, match=r"labels\.csv, line 1"):
        table(text)


@pytest.mark.parametrize("text", ["id,label\n1,\n", "id,label\n1\n", "label,b,c\nx,1,2.png\n", ""])
def test_a_broken_table_has_labels(text: str) -> None:
    with pytest.raises(DataError) as caught:
        table(text)
    assert not isinstance(caught.value, NoLabelsError)
