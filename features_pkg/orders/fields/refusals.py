"""What is wrong with a value: raised for one value, collected for the rows of an array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Mask

MISSING: Final = "is missing"
UNSTORABLE: Final = "contains U+0000 or half of a surrogate pair"
T = TypeVar("T")


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


def read_distinct(column: pa.Array, read: Callable[[str], T], refusals: Refusals) -> list[T | None]:
    """What `read` makes of each value; None where the value is null or the row is refused.

    Each different value is read once: `dictionary` has it, `indices` says which rows have it.
    """
    encoded = pc.dictionary_encode(column)
    values: list[T | None] = []
    refused: dict[int, ValueRefused] = {}
    for code, value in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(None if value is None else read(value))
        except ValueRefused as cause:
            values.append(None)
            refused[code] = cause
    codes: list[int | None] = encoded.indices.to_pylist()
    for position, row_code in enumerate(codes if refused else ()):
        if row_code is not None and row_code in refused:
            refusals.add_row(position, refused[row_code])
    return [None if code is None else values[code] for code in codes]
