"""Rows that are not loaded, each with the first reason that was found."""

from dataclasses import dataclass, field

import numpy as np

from features_pkg.array_types import Mask


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was not loaded; without the refused value, which may be personal."""

    row: int
    """From 1, the header not counted."""
    order_id: str | None
    field: str
    reason: str


@dataclass(slots=True)
class Refusals:
    """The field and reason of each refused row of one batch, by the row's position in it."""

    rows: int
    reasons: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, wrong: Mask, field: str, reason: str) -> None:
        """Refuse the rows where `wrong` is true; one that is already refused keeps its reason."""
        for position in np.flatnonzero(wrong).tolist():
            self.reasons.setdefault(position, (field, reason))

    @property
    def accepted(self) -> Mask:
        """Which rows are not refused."""
        mask = np.ones(self.rows, bool)
        mask[list(self.reasons)] = False
        return mask
