"""CSV tables of image files, and Parquet files.

Silently wrong: a row more or fewer, or a label or picture that its row does not name. CSV is read
again with ``csv`` where the two or three columns have their usual names, Parquet with
``pyarrow.parquet.read_table``; the pictures are PNG, read by the decoder in ``png.py``.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzzing.case import Case, Link, NotJudged, Wrong
from fuzzing.images import SOUND_SHARE, by_pillow
from fuzzing.labelled import Expected, LabelledFamily, Pixels, base_pixels
from fuzzing.mutations import EXTREMES, TEXTS, damage, mutate
from fuzzing.png import make_png, read_png
from fuzzing.trial import CANARY

__all__ = ["TABLES"]

_FILES = tuple(f"images/{n}.png" for n in range(6))
_PATHS = (
    *(
        f"../{CANARY}",
        "/etc/passwd",
        "images/../images/1.png",
        "http://x/1.png",
        "images\\1.png",
        "",
    ),
    *("images/1", "images/", ".", "images/link.png", "images/out.png", "images/none.png", "1.png"),
    *("./images/1.png", "images//1.png", "IMAGES/1.png", "images/1.png ", "C:\\1.png", "\0", "~/x"),
)
_PARTS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
_ORDER = ("train", "validation", "test")


def _picture(data: bytes) -> Pixels:
    try:
        return read_png(data)
    except NotJudged:
        return by_pillow(data)


class CsvFamily(LabelledFamily):
    """A table beside the files that it names."""

    name = "csv"

    def case(self, rng: random.Random) -> Case:
        rows = [
            [file, ("cat", "dog")[n % 2], ("train", "train", "train", "train", "val", "test")[n]]
            for n, file in enumerate(_FILES)
        ]
        split = rng.random() < 0.5
        rows = [row if split else row[:2] for row in rows]
        header = ["filename", "label", "split"][: len(rows[0])]
        files: dict[str, bytes | Link] = {
            f"set/{name}": make_png(base_pixels(200 + n)) for n, name in enumerate(_FILES)
        }
        said: list[str] = []
        options: dict[str, Any] = {"delimiter": rng.choice(",,;\t"), "lineterminator": "\n"}
        if rng.random() > SOUND_SHARE:
            said.append(_odd_table(rng, rows, header, options, files))
        table = [header, *rows] if rng.random() < 0.9 else rows
        stream = io.StringIO()
        csv.writer(stream, **options).writerows(table)
        data = stream.getvalue().encode(
            rng.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig")), "surrogatepass"
        )
        if said and rng.random() < 0.5:
            change = rng.choice((damage, _odd_text))
            data, more = mutate(rng, data, change, 1.0)
            said += more
        files["set/labels.csv"] = data
        facts = {"delimiter": options["delimiter"], "named": table[0] is header}
        return Case(files, "set/labels.csv", tuple(said), facts)

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        text = (folder / case.source).read_bytes().decode("utf-8-sig")
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=case.facts["delimiter"])
        table = [[cell.strip() for cell in row] for row in lines]
        table = [row for row in table if any(row)]
        if case.facts["named"]:
            if table[0] not in (["filename", "label"], ["filename", "label", "split"]):
                raise NotJudged("the columns are called otherwise")
            table = table[1:]
        rows = [self._row(folder, row) for row in table]
        rows.sort(key=lambda row: _ORDER.index(row.part))
        return rows

    def _row(self, folder: Path, row: list[str]) -> Expected:
        path = folder / "set" / row[0].replace("\\", "/")
        if "images" not in row[0] or not path.name.endswith(".png"):
            raise NotJudged("a path that is looked for, or an ending left out")
        if (folder / "set").resolve() not in path.resolve().parents:
            raise Wrong(f"{row[0]} leads out of the folder")
        return Expected(
            _picture(path.read_bytes()), row[1], _PARTS[row[2].lower()] if row[2:] else "train"
        )


def _odd_table(
    rng: random.Random,
    rows: list[list[str]],
    header: list[str],
    options: dict[str, Any],
    files: dict[str, bytes | Link],
) -> str:
    """Change a cell, a row, the header, the way of writing, or a file."""
    row, at = rng.choice(rows), rng.randrange(len(rows[0]))
    way = rng.choice(
        ("cell", "path", "twice", "short", "long", "header", "quotes", "link", "one", "gone")
    )
    if way in ("cell", "path"):
        row[at] = rng.choice((*TEXTS, *map(str, EXTREMES)))
        row[0] = rng.choice(_PATHS) if way == "path" else row[0]
    elif way == "twice":
        rows.insert(rng.randrange(len(rows)), [*row])
    elif way in ("short", "long"):
        row[1:] = row[1:-1] if way == "short" else [*row[1:], rng.choice(TEXTS)]
    elif way == "header":
        header[at] = rng.choice((*TEXTS, "file", "label", "y", "image", "id", "filename", "x,y"))
    elif way == "quotes":
        options |= rng.choice(
            ({"quoting": csv.QUOTE_ALL}, {"lineterminator": "\r"}, {"lineterminator": "\r\n\r\n"})
        )
    elif way == "link":
        files["set/images/link.png"] = Link("0.png")
        files["set/images/out.png"] = Link(rng.choice(("/etc/passwd", "../../out.png", "out.png")))
        files["out.png"] = make_png(base_pixels(9))
        row[0] = rng.choice(("images/link.png", "images/out.png"))
    elif way == "one":
        for each in rows:
            each[1] = "cat"
    else:
        files[f"set/{rng.choice(_FILES)}"] = rng.choice((b"", b"x", b"\x89PNG\r\n\x1a\n"))
    return way


def _odd_text(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Other encodings, quotes that do not close, very long or deep text."""
    text = data.decode("utf-8", "replace")
    ways = {
        "UTF-16": text.encode("utf-16"),
        "latin-1": (text + "é,é\n").encode("latin-1", "replace"),
        "an open quote": data + b'"images/1.png,cat\n',
        "quotes within": data.replace(b"cat", b'c"at'),
        "quoted": data.replace(b"cat", b'"c\nat"'),
        "NUL": data.replace(b"dog", b"d\0g"),
        "a huge cell": data + b"x" * 200_000 + b",cat\n",
        "many rows": data + b"images/1.png,cat\n" * 20_000,
        "many columns": b"," * 50_000 + data,
        "returns": data.replace(b"\n", b"\r\n"),
        "no end": data.rstrip(b"\n"),
        "empty lines": data.replace(b"\n", b"\n\n"),
    }
    way = rng.choice(list(ways))
    return ways[way], way


def _parquet(table: Any, **options: Any) -> bytes:
    import pyarrow.parquet

    stream = io.BytesIO()
    pyarrow.parquet.write_table(table, stream, **options)
    return stream.getvalue()


class ParquetFamily(LabelledFamily):
    """One file in the Hugging Face form."""

    name = "parquet"

    def warm(self) -> None:
        import pyarrow.parquet  # noqa: F401 - so that the clock does not see it

    def case(self, rng: random.Random) -> Case:
        import pyarrow as pa

        pictures: list[Any] = [make_png(base_pixels(300 + n)) for n in range(6)]
        labels: list[Any] = [n % 2 for n in range(6)]
        names: Any = ["cat", "dog"]
        said: list[str] = []
        sound = rng.random() < SOUND_SHARE
        if not sound and rng.random() < 0.5:
            said.append(_odd_values(rng, pictures, labels))
            names = rng.choice(
                (names, names, ["a"], ["a", "a"], "ab", {"0": "x"}, [1, 2], ["", "x"])
            )
        structs = rng.random() < 0.6
        values = [{"bytes": p, "path": "1.png"} for p in pictures] if structs else pictures
        kind = (
            pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if structs else pa.binary()
        )
        label_kind = pa.int64() if all(isinstance(x, int | None) for x in labels) else pa.string()
        try:
            table = pa.table(
                {"image": pa.array(values, kind), "label": pa.array(labels, label_kind)}
            )
        except (pa.ArrowException, OverflowError):
            table = pa.table({"image": pa.array(values, kind), "label": [str(x) for x in labels]})
        if rng.random() < 0.7:
            feature = {"names": names, "_type": "ClassLabel"}
            told = json.dumps({"info": {"features": {"label": feature}}})
            table = table.replace_schema_metadata({"huggingface": told})
        data = _parquet(
            table,
            compression=rng.choice(("none", "snappy", "zstd")),
            use_dictionary=rng.random() < 0.5,
            write_page_checksum=rng.random() < 0.5,
            row_group_size=rng.choice((2, 100)),
        )
        if not sound and (not said or rng.random() < 0.5):
            data, more = mutate(rng, data, _footer)
            said += more
        return Case({"set.parquet": data}, "set.parquet", tuple(said), {"names": names})

    def expected(self, folder: Path, case: Case) -> Sequence[Expected]:
        import pyarrow.parquet

        source = folder / case.source
        schema = pyarrow.parquet.read_schema(source)
        if schema.names != ["image", "label"]:
            raise NotJudged("other columns")
        # What stands beside an image's bytes is not read, so that damage to it does not matter.
        inside = pyarrow.types.is_struct(schema.field("image").type)
        wanted = ["image.bytes" if inside else "image", "label"]
        with pyarrow.parquet.ParquetFile(source, page_checksum_verification=True) as file:
            table = file.read(columns=wanted)
        if table.column_names != ["image", "label"]:
            raise NotJudged("columns that the file's two schemas call otherwise")
        try:
            told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}") or "{}")
        except ValueError:
            told = {}
        names = told.get("info", {}).get("features", {}).get("label", {}).get("names")
        listed = isinstance(names, list) and all(isinstance(name, str) for name in names)
        rows = []
        for image, label in zip(
            *(table[name].to_pylist() for name in ("image", "label")), strict=True
        ):
            data = image["bytes"] if isinstance(image, dict) else image
            number = isinstance(label, int) and not isinstance(label, bool)
            name = names[label] if listed and number else str(label)
            rows.append(Expected(_picture(data), name))
        return rows


def _footer(rng: random.Random, data: bytes) -> tuple[bytes, str]:
    """Damage to the metadata at the end, where every length is."""
    size = int.from_bytes(data[-8:-4], "little")
    start = max(0, len(data) - 8 - size)
    end, said = damage(rng, data[start:])
    return data[:start] + end, f"footer: {said}"


def _odd_values(rng: random.Random, pictures: list[Any], labels: list[Any]) -> str:
    way = rng.choice(("picture", "null picture", "label", "null label", "text", "one", "huge"))
    at = rng.randrange(6)
    if way == "picture":
        pictures[at] = damage(rng, pictures[at])[0]
    elif way == "null picture":
        pictures[at] = None
    elif way == "label":
        labels[at] = rng.choice((-1, 2, 9, 2**62, 2**63 - 1))
    elif way == "null label":
        labels[at] = None
    elif way == "text":
        labels[:] = [rng.choice([t for t in TEXTS if t.isprintable()]) for _ in labels]
    elif way == "one":
        labels[:] = [0] * 6
    else:
        pictures[at] = bytes(5_000_000)
    return way


TABLES = (CsvFamily(), ParquetFamily())
