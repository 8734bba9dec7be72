"""Charts as SVG that stands inside of a page: its colours are the page's, by CSS variables.

Matplotlib draws with one colour for each role, which is then replaced by the name of a variable.
So one chart is right in both colour schemes.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#010101", "#010102", "#010103", "#010104"
OWN, OTHER, PALE, CHOSEN = "#010105", "#010106", "#010107", "#010108"
VARIABLES: Final = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    PAPER: "paper",
    OWN: "own",
    OTHER: "other",
    PALE: "pale",
    CHOSEN: "chosen",
}
WIDTH, HEIGHT = 4.4, 3.0
"""Inches of 72 units: a phone shows nearly as many pixels."""
FONT_SIZE: Final = 11

_LOOK: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # a dollar is a dollar
    "svg.hashsalt": "ontem",  # the same chart has the same ids
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_SIZE,
    "axes.edgecolor": GRID,
    "axes.facecolor": PAPER,
    "axes.labelcolor": MUTED,
    "axes.labelsize": FONT_SIZE,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 2.0,
    "text.color": INK,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.facecolor": PAPER,
    "legend.edgecolor": PAPER,
    "legend.framealpha": 1.0,
    "legend.fancybox": False,
    "legend.borderpad": 0.1,
    "legend.fontsize": FONT_SIZE,
    "legend.labelcolor": INK,
    "legend.handlelength": 1.6,
    "hatch.color": PAPER,
}


class Drawing:
    """One chart that is being drawn on `axes`, and its SVG."""

    def __init__(self, figure: Figure, axes: Axes) -> None:
        self.axes = axes
        self._figure = figure

    def svg(self, name: str, title: str) -> str:
        """The chart as an element of HTML; its ids begin with `name`, described by NAME-words."""
        written = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        self._figure.savefig(written, format="svg", metadata=nothing)
        return _inlined(written.getvalue(), name, title)


@contextmanager
def look_of_charts() -> Iterator[None]:
    """Charts that are drawn within have the page's look, which depends on no setting of a user."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_LOOK)
        yield


def empty_chart(height: float = HEIGHT) -> Drawing:
    """A chart to draw on."""
    figure = Figure(figsize=(WIDTH, height), facecolor=PAPER)
    FigureCanvasSVG(figure)
    bottom = 0.62 / height
    axes = figure.add_axes((0.14, bottom, 0.83, 1 - bottom - 0.3 / height))
    return Drawing(figure, axes)


def _inlined(svg: str, name: str, title: str) -> str:
    """The SVG without what only a file needs, with ids of its own and colours by variables."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*>", lambda tag: _shortened(tag[0], name), body)
    body = re.sub(r"<g>\s*</g>|<defs>\s*</defs>", "", body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    body = re.sub(r"\s*\n\s*", "", body)
    box = re.search(r'viewBox="([^"]*)"', svg)
    assert box is not None  # noqa: S101  Matplotlib always writes one
    return (
        f'<svg viewBox="{box[1]}" role="img" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-words"><title>{escape(title)}</title>{body.strip()}\n'
    )


def _shortened(tag: str, name: str) -> str:
    """A tag with ids that begin with `name`, in the font of the page, and with fewer digits."""
    tag = re.sub(r'<g id="[^"]*"', "<g", tag).replace("<g/>", "")
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    tag = re.sub(r'(xlink:)?href="#', f'href="#{name}-', tag)
    tag = tag.replace("url(#", f"url(#{name}-")
    tag = re.sub(
        r"font-family: [^;\"]*; |stroke-linejoin: miter; | transform=\"rotate\(-0 [^)]*\)\"",
        "",
        tag,
    )
    tag = re.sub(r"(?<![\w#])(-?\d+\.\d)\d+", r"\1", tag)
    return re.sub(r"\s+", " ", tag)
