"""Predictions as a CSV file, written line by line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnlab.errors import ConfigError
from cnnlab.files import atomic_path
from cnnlab.prediction.answers import ImageError, ImagePrediction

__all__ = ["csv_path", "writing_csv"]


def csv_path(path: Path) -> Path:
    """Return the path of a CSV file that can be written; :class:`ConfigError` for other endings."""
    if path.suffix.lower() != ".csv":
        expected = "a name that ends in .csv"
        raise ConfigError("no CSV file by its name", where=path, expected=expected)
    return path


@contextmanager
def writing_csv(path: Path, top_k: int) -> Iterator[Callable[[ImagePrediction | ImageError], None]]:
    """Yield what writes a line an image; the file is there, whole, when all went well.

    UTF-8 with a header, quoted and with lines ended as RFC 4180 says. The columns: path, class,
    probability, then class_2, probability_2 ... up to ``top_k``, true_class (where the folder
    tells it) and error (why the image could not be read).
    """
    ranks = [f"_{rank}" if rank > 1 else "" for rank in range(1, top_k + 1)]
    ranked = [f"{name}{rank}" for rank in ranks for name in ("class", "probability")]
    with (
        atomic_path(path) as temporary,
        # A byte of a file's name that is no UTF-8 is written as \udcXX, as in JSON.
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        writer = csv.writer(stream)
        writer.writerow(["path", *ranked, "true_class", "error"])

        def write(answer: ImagePrediction | ImageError) -> None:
            if isinstance(answer, ImageError):
                writer.writerow([answer.path, *[""] * len(ranked), "", answer.error.what])
            else:
                likeliest = [cell for name, value in answer.top for cell in (name, repr(value))]
                writer.writerow([answer.path, *likeliest, answer.true_class or "", ""])

        yield write
