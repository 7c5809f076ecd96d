"""A report's page as tables, and a run's saved logits as NumPy, SciPy and scikit-learn see them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from cnnlab.runs import Run


class Tables(HTMLParser):
    """The tables of a page by their captions, and all its list items and key figures."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.by_caption: list[tuple[str, list[list[str]]]] = []
        self.items: list[str] = []
        self.key_figures: list[str] = []
        self._into: list[str] | None = None
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "figcaption":
            self.by_caption.append(("", []))
        elif tag == "tr":
            self.by_caption[-1][1].append([])
        elif tag in ("td", "th"):
            self._into = self.by_caption[-1][1][-1]
            self._into.append("")
        elif tag == "li":
            self._into = self.items
            self.items.append("")
        elif tag == "dl":
            self._into = self.key_figures
            self.key_figures.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "li", "dl"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data
        elif self.by_caption and not self.by_caption[-1][1]:
            caption, rows = self.by_caption[-1]
            self.by_caption[-1] = (caption + data, rows)

    def table(self, *words: str) -> list[list[str]]:
        """The rows of the one table whose caption has these words, without its heading."""
        (rows,) = [rows for caption, rows in self.by_caption
                   if rows and all(word in caption for word in words)]  # fmt: skip
        return rows[1:]

    def item(self, word: str) -> str:
        (found,) = {item for item in self.items if word in item}
        return found


def numbers(text: str) -> list[float]:
    return [float(n.replace(",", "")) for n in re.findall(r"[+-]?\d[\d,]*\.?\d*(?:e-?\d+)?", text)]


class Saved:
    """Logits and labels of a split, straight from the file."""

    def __init__(self, run: Run, split: str) -> None:
        with np.load(run.path / "predictions" / f"{split}.npz") as saved:
            self.logits = saved["logits"].astype(np.float64)
            self.labels, self.rows = saved["labels"], saved["indices"]
        self.said = self.logits.argmax(axis=1)
        self.shares = softmax(self.logits, axis=1)
        self.classes = range(self.logits.shape[1])
        self.matrix = confusion_matrix(self.labels, self.said, labels=list(self.classes))
