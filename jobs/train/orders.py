"""The labelled orders of a training set, without their features."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.array_types import Ints, Mask
from stores.offline.files import Files
from stores.offline.runs import DataFile

OWN_COLUMNS = ("order_pk", "asked_at", "asked_day", "label", "label_known_at", "card_code")


@dataclass(frozen=True, slots=True)
class LabelledOrders:
    """Orders with a label, sorted by the instant of their question, then `order_pk`.

    `rows` are their positions in the training set: its files' rows, one file after the other.
    `asked_us` and `known_us` (since when the label is what it is) are epoch microseconds, `days`
    civil days, `cards` codes, 0 for no card.
    """

    rows: Ints
    order_pk: Ints
    labels: Mask
    asked_us: Ints
    known_us: Ints
    days: Ints
    cards: Ints

    def __len__(self) -> int:
        """How many orders there are."""
        return len(self.labels)

    def take(self, chosen: Mask | Ints) -> "LabelledOrders":
        """The chosen orders, by a mask or by positions."""
        return LabelledOrders(*(getattr(self, field.name)[chosen] for field in fields(self)))


def read_orders(files: Files, described: Sequence[DataFile], old_enough_us: int) -> LabelledOrders:
    """The labelled orders of the `described` files whose question is at or before `old_enough_us`.

    Of younger orders only those charged back have a label, so they would make fraud look more
    common than it is.
    """
    parts: list[LabelledOrders] = []
    first_row = 0
    for file in described:
        with files.open(file.key) as source:
            table = pq.read_table(source, columns=list(OWN_COLUMNS))
        parts.append(_usable(table, first_row, old_enough_us))
        first_row += table.num_rows
    columns = (
        np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(LabelledOrders)
    )
    orders = LabelledOrders(*columns)
    return orders.take(np.lexsort((orders.order_pk, orders.asked_us)))


def _usable(table: pa.Table, first_row: int, old_enough_us: int) -> LabelledOrders:
    """The usable orders of one file, in its order."""
    asked_us = pc.cast(table["asked_at"], pa.int64())
    usable = pc.and_(pc.is_valid(table["label"]), pc.less_equal(asked_us, old_enough_us))
    rows = pa.array(np.arange(first_row, first_row + table.num_rows))
    table = table.append_column("row", rows).filter(usable)
    return LabelledOrders(
        rows=_int64(table["row"]),
        order_pk=_int64(table["order_pk"]),
        labels=table["label"].to_numpy() == 1,
        asked_us=_int64(table["asked_at"]),
        known_us=_int64(table["label_known_at"]),
        days=_int64(pc.cast(table["asked_day"], pa.int32())),
        cards=_int64(pc.fill_null(table["card_code"], 0)),
    )


def _int64(column: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.cast(column, pa.int64()).to_numpy(), dtype=np.int64)
