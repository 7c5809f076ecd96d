"""One style for every figure, and the same bytes from the same arrays."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cnnlab.evaluation.figures.text import (
    drawable_text,
    font_families,
    is_drawable,
    literal_text,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GREY", "INK", "PALETTE", "Picture", "Shown", "new_figure"]

#: Okabe and Ito's colours (2008), told apart with any kind of colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, GREY, _FAINT = "#1b2733", "#5f6c7a", "#dfe4ea"

#: Turns a user's text into what this picture can draw.
Shown = Callable[[str], str]

_STYLE: dict[str, Any] = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.size": 9,
    "grid.color": _FAINT,
    "grid.linewidth": 0.7,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.7,
    "lines.markersize": 4.5,
    "svg.hashsalt": "cnnlab",
    "text.color": INK,
    "text.parse_math": False,  # a class called "$x$" is no formula
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}

#: Resolution of PNG files and of images inside SVG files.
_DPI = 200


class Picture:
    """A figure that is drawn when its bytes are asked for.

    ``draw`` receives the function that every text of the user's must go through, and returns
    the figure; it is called within the style. In a notebook the picture shows itself.
    """

    def __init__(self, draw: Callable[[Shown], Figure]) -> None:
        self._draw = draw

    def figure(self) -> Figure:
        """The matplotlib figure, for whoever wants to add to it."""
        with _style():
            figure = self._draw(_drawn_here)
            # Ticks are made at the first drawing, so that one must be within the style.
            figure.draw_without_rendering()
            return figure

    def svg(self) -> bytes:
        """A deterministic SVG file: letters are outlines, so it looks the same everywhere.

        Where no font here has some letter, or the text runs from right to left, all text stays
        text instead: the reader's own fonts show it.
        """
        import matplotlib as mpl
        from matplotlib.text import Text

        with _style():
            figure = self._draw(literal_text)
            texts = [artist.get_text() for artist in figure.findobj(Text)]
            outlines = all(map(is_drawable, texts))
            mpl.rcParams["svg.fonttype"] = "path" if outlines else "none"
            with warnings.catch_warnings():
                if not outlines:
                    # Harmless here: matplotlib only measures the text, the reader draws it.
                    warnings.filterwarnings("ignore", message="Glyph .* missing from")
                return _saved(figure, "svg", ("Creator", "Date", "Format", "Type"))

    def png(self) -> bytes:
        r"""A deterministic PNG file, 200 dots an inch; a letter without a font becomes ``\u…``."""
        with _style():
            return _saved(self._draw(_drawn_here), "png", ("Software",))

    def _repr_svg_(self) -> str:
        return self.svg().decode()


def _drawn_here(text: str) -> str:
    return drawable_text(literal_text(text))


@contextmanager
def _style() -> Iterator[None]:
    """The style above on matplotlib's defaults, whatever the user's own settings are."""
    import matplotlib as mpl

    settings: dict[Any, Any] = dict(mpl.rcParamsDefault.items())
    # The backend is not looks: a notebook has set its own.
    settings.pop("backend", None)
    settings |= {**_STYLE, "font.family": [*font_families(), "sans-serif"]}
    with mpl.rc_context(settings):
        yield


def _saved(figure: Figure, kind: str, unset: tuple[str, ...]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=_DPI, metadata=dict.fromkeys(unset))
    return buffer.getvalue()


def new_figure(
    width: float, height: float, *, fixed_aspect: bool = False, placed: bool = False
) -> Figure:
    """An empty figure of that many inches whose parts make room for each other.

    ``fixed_aspect``: its axes keep their shape (images), so space around them is closed up.
    ``placed``: whoever adds its axes says where they stand.
    """
    from matplotlib.figure import Figure

    if placed:
        return Figure(figsize=(width, height))
    return Figure(figsize=(width, height), layout="compressed" if fixed_aspect else "constrained")
