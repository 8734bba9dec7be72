"""Orders before they have texts: numbers of entities, and how each came about."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.identifiers import SINGLE_VALUED

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NONE: Final = -1
"""The number that stands for no entity."""


@dataclass(slots=True)
class Registry:
    """Deals out the numbers of new entities, and remembers the area of phones and CEPs."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SINGLE_VALUED, 0))
    areas: dict[str, list[Ints]] = field(default_factory=lambda: {"phone": [], "zip_code": []})

    def new(self, kind: str, areas: Ints) -> Ints:
        """Numbers of as many new entities as `areas` has rows (places in the table of areas)."""
        first = self.counts[kind]
        self.counts[kind] = first + len(areas)
        if kind in self.areas:
            self.areas[kind].append(areas)
        return np.arange(first, first + len(areas), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Drafts:
    """Orders as columns of equal length; entity columns hold numbers of `Registry`, or NONE."""

    at_us: Ints
    user: Ints
    document: Ints
    email: Ints
    phone: Ints
    zip_code: Ints
    device: Ints
    ip: Ints
    card: Ints
    dearness: Floats
    """Which end of the price list the order was picked from: 0 the cheap one, 1 the dear one."""
    dispute: Floats
    """Probability that it is charged back."""

    def take(self, rows: Ints) -> Drafts:
        """These rows, in this order."""
        return Drafts(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


def together(parts: list[Drafts]) -> Drafts:
    """All rows of all parts, in time order (ties as the parts come)."""
    joined = Drafts(
        **{
            one.name: np.concatenate([getattr(part, one.name) for part in parts])
            for one in fields(Drafts)
        }
    )
    return joined.take(np.argsort(joined.at_us, kind="stable"))
