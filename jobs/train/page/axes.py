"""Axes that several charts have."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis

from jobs.train.page.curves import log_odds
from jobs.train.page.drawing import MUTED

SCORES: Final = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99)


def label(axes: Axes, across: str, up: str) -> None:
    """Say what the axes are: the one that goes up is named above it, where it is read."""
    axes.set_xlabel(across)
    axes.set_title(up, loc="left", fontsize=11, color=MUTED, x=-0.1, y=1.02)


def score_ticks(axis: Axis, least: float, most: float) -> None:
    """Scores on an axis of log odds from `least` to `most`."""
    ticks = [(float(odds_of(score)), score) for score in SCORES]
    inside = [(at, score) for at, score in ticks if least - 1e-9 <= at <= most + 1e-9]
    axis.set_ticks([at for at, _ in inside], [f"{score:g}" for _, score in inside])


def odds_of(score: float) -> float:
    """The log odds of one score."""
    return float(log_odds(np.array([score]))[0])


def name_positions(axes: Axes, names: Sequence[str], most: int = 3) -> None:
    """Name some of the positions 0, 1, 2, … across, so that the names have room."""
    step = max(1, -(-len(names) // most))
    axes.set_xticks(range(0, len(names), step), list(names[::step]))
