"""What is wrong with a value: raised for one value, collected for the rows of an array."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from features_pkg.array_types import Mask

MISSING: Final = "is missing"
UNSTORABLE: Final = "contains U+0000 or half of a surrogate pair"


class ValueRefused(ValueError):
    """A value that no door takes: its field, and a reason that does not repeat the value.

    `field` is a path such as `items[0].quantity`; `reason` continues a sentence, as in
    "is missing".
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field, self.reason = field, reason


@dataclass(slots=True)
class Refusals:
    """The field and reason of each refused row of one table, by the row's position in it."""

    rows: int
    reasons: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, wrong: Mask, field: str, reason: str) -> None:
        """Refuse the rows where `wrong` is true; one that is already refused keeps its reason."""
        for position in np.flatnonzero(wrong).tolist():
            self.reasons.setdefault(position, (field, reason))

    def add_row(self, position: int, refused: ValueRefused) -> None:
        """Refuse one row, unless it is already refused."""
        self.reasons.setdefault(position, (refused.field, refused.reason))

    @property
    def accepted(self) -> Mask:
        """Which rows are not refused."""
        mask = np.ones(self.rows, bool)
        mask[list(self.reasons)] = False
        return mask
