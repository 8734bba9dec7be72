"""Orders before their entities have texts: only numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints
from features_pkg.identifiers import SINGLE_VALUED

NO_ENTITY: Final = -1
"""In place of an entity's number: the order lacks the identifier."""


@dataclass(slots=True)
class Registry:
    """Gives new entities their numbers, and remembers the areas of phones and CEPs."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SINGLE_VALUED, 0))
    areas: dict[str, list[Ints]] = field(default_factory=lambda: {"phone": [], "zip_code": []})

    def new(self, identifier: str, areas: Ints) -> Ints:
        """Numbers of new entities, one for each area (a position in `AREAS`)."""
        first = self.counts[identifier]
        self.counts[identifier] = first + len(areas)
        if identifier in self.areas:
            self.areas[identifier].append(areas)
        return np.arange(first, first + len(areas), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Drafts:
    """Orders as columns of equal length; entities are numbers of `Registry` or NO_ENTITY."""

    at_us: Ints
    user: Ints
    document: Ints
    email: Ints
    phone: Ints
    zip_code: Ints
    device: Ints
    ip: Ints
    card: Ints
    seller: Ints
    dearness: Floats
    """From where on the price list the order is: 0 is the cheap end, 1 the dear end."""
    dispute: Floats
    """The probability that it is charged back."""

    def take(self, rows: Ints) -> Drafts:
        """These rows, in this order."""
        return Drafts(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


def merge_drafts(parts: list[Drafts]) -> Drafts:
    """All rows of all parts in time order; those of one instant in the order of the parts."""
    joined = Drafts(
        **{
            each.name: np.concatenate([getattr(part, each.name) for part in parts])
            for each in fields(Drafts)
        }
    )
    return joined.take(np.argsort(joined.at_us, kind="stable"))
