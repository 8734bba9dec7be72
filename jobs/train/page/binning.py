"""Bins that show how values are distributed, and never what a single order had."""

from collections.abc import Sequence
from math import floor, log10
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints

LEAST_ORDERS: Final = 10
"""A bin has at least so many orders, and of each outcome none or so many."""


def shown_outcomes(counts: Ints) -> tuple[bool, bool]:
    """Which of the two outcomes have enough orders to be shown; `counts` is (2, bins)."""
    honest, charged_back = counts.sum(axis=1)
    return bool(honest >= LEAST_ORDERS), bool(charged_back >= LEAST_ORDERS)


def safe_groups(counts: Ints) -> list[tuple[int, int]]:
    """Neighbouring bins merged until each group may be shown: their first and last but one.

    `counts` (outcomes, bins) has the orders of each outcome that is shown. A group has at least
    LEAST_ORDERS orders, and of each outcome none or as many. No group if there are too few in all.
    """
    groups: list[tuple[int, int]] = []
    start = 0
    for end in range(1, counts.shape[1] + 1):
        if _is_safe(counts[:, start:end]):
            groups.append((start, end))
            start = end
    if start < counts.shape[1]:  # what is left over joins the group before it
        while groups:
            start, _ = groups.pop()
            if _is_safe(counts[:, start:]):
                groups.append((start, counts.shape[1]))
                break
    return groups


def _is_safe(counts: Ints) -> bool:
    of_outcomes = counts.sum(axis=1)
    return int(of_outcomes.sum()) >= LEAST_ORDERS and bool(
        np.all((of_outcomes == 0) | (of_outcomes >= LEAST_ORDERS))
    )


def merged(counts: Ints, groups: Sequence[tuple[int, int]]) -> Ints:
    """The counts of the groups."""
    sums = [counts[:, start:end].sum(axis=1) for start, end in groups]
    return np.array(sums, dtype=np.int64).reshape(len(groups), len(counts)).T


def rounded_quantiles(values: Floats, bins: int) -> set[float]:
    """The bounds between at most `bins` bins that have about as many of the values each.

    They have two digits, those of their distance if they lie close, so that none is an order's
    value.
    """
    if not len(values):
        return set()
    shares = np.arange(1, bins) / bins
    quantiles = np.quantile(values, shares, method="lower")
    distance = float(quantiles[-1] - quantiles[0])
    return {rounded_down(float(each), distance) for each in quantiles}


def rounded_down(value: float, distance: float = 0.0) -> float:
    """The number with its first two digits, or with those that two digits of the distance have."""
    if value == 0:
        return 0.0
    size = min(abs(value), distance) if distance else abs(value)
    places = 1 - floor(log10(size))
    # By text: a product of floats such as 0.57 * 100 falls below its whole number.
    scaled = floor(round(value * 10.0**places, 6))
    return float(f"{scaled}e{-places}")
