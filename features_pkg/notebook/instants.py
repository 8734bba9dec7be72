"""Instants of a table of orders; the first one that is wrong is refused by its row."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask
from features_pkg.errors import OrdersRefused
from features_pkg.orders.columns.instant import column_us
from features_pkg.orders.fields.instant import NO_INSTANT, WITHOUT_ZONE, out_of_range
from features_pkg.orders.fields.refusals import Refusals

_YEARS: Final = range(1900, 2200)
"""More than an import takes: nothing of a notebook is stored."""
_REASONS: Final = {
    WITHOUT_ZONE: "is naive: give its time zone",
    out_of_range(_YEARS): f"{out_of_range(_YEARS)}: correct it, or leave its order out",
}


def instants_us(column: pa.ChunkedArray, name: str, *, nulls: bool) -> tuple[Ints, Mask]:
    """The instant of each row in epoch microseconds, and which rows have one.

    Digits beyond the microsecond are cut off. A row without an instant has some number, which means
    nothing.

    Raises:
        OrdersRefused: naive times, other types, years outside 1900 to 2199, or a null where
            `nulls` is false.
    """
    present = np.asarray(pc.is_valid(column))
    if not nulls and not present.all():
        raise OrdersRefused(
            "is null: every order has one", column=name, row=int(np.flatnonzero(~present)[0])
        )
    refusals = Refusals(len(column))
    us = column_us(column.combine_chunks(), name, None, refusals, _YEARS)
    refuse_first(refusals)
    return np.where(present, us, NO_INSTANT), present


def refuse_first(refusals: Refusals) -> None:
    """Raise OrdersRefused for the first row that is refused, if one is."""
    if refusals.reasons:
        row = min(refusals.reasons)
        field, reason = refusals.reasons[row]
        raise OrdersRefused(_REASONS.get(reason, reason), column=field, row=row)
