"""Rows that are not loaded, each with the first reason that was found."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was not loaded; the value itself is not kept, it may be personal."""

    row: int
    """From 1, the header not counted."""
    order_id: str | None
    field: str
    reason: str


@dataclass(slots=True)
class Refusals:
    """The refused rows of one batch, by their place in it."""

    rows: int
    reasons: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, wrong: NDArray[np.bool_], field: str, reason: str) -> None:
        """Refuse the rows where `wrong` is true, unless they are refused already."""
        for place in np.flatnonzero(wrong).tolist():
            self.reasons.setdefault(place, (field, reason))

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which rows are still to be loaded."""
        mask = np.ones(self.rows, bool)
        mask[list(self.reasons)] = False
        return mask
