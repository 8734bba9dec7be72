"""The shops whose orders models are made of: their orders, and which of them have a label."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.modelling.handbook import CUSTOMERS, TERMINALS, handbook_orders
from benchmarks.size import is_rehearsal
from features_pkg import normalise
from features_pkg.array_types import Ints
from features_pkg.calendar import DAY_US, MICROSECOND, Calendar
from jobs.train.orders import LabelledOrders
from ontem.demo.files import read_orders

PROJECT: Final = Path(__file__).resolve().parents[2]
SPARKOV: Final = PROJECT.parent / "shared" / "data" / "sparkov_orders.parquet"
SPARKOV_MAPPING: Final = PROJECT / "docs" / "mappings" / "sparkov.toml"
MATURITY: Final = timedelta(days=7)
"""Both say that a chargeback comes a week after its order."""
HANDBOOK_START: Final = datetime(2018, 4, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shop:
    """All orders of one merchant in time order, of which those after `warm_up_days` are asked."""

    title: str
    orders: pa.Table
    timezone: str
    warm_up_days: int
    is_the_handbooks: bool = False

    def labelled(self) -> LabelledOrders:
        """The orders that are asked, each with the label that it has in the end.

        `rows` are positions in `orders`.
        """
        at_us = _us(self.orders["event_at"])
        rows = np.flatnonzero(at_us >= at_us[0] + self.warm_up_days * DAY_US)
        known_us = _us(self.orders["chargeback_at"])[rows]
        charged_back = known_us >= 0
        cards = pc.dictionary_encode(self.orders["card"]).combine_chunks().indices.to_numpy()
        return LabelledOrders(
            rows=rows,
            order_pk=rows,
            labels=charged_back,
            asked_us=at_us[rows],
            known_us=np.where(charged_back, known_us, at_us[rows] + MATURITY // MICROSECOND),
            days=Calendar(self.timezone).days_of(at_us[rows]),
            cards=np.asarray(cards, dtype=np.int64)[rows] + 1,
        )


def handbook_shop() -> Shop:
    """The handbook's customers and terminals, of which the last 30 days are asked."""
    size = (60, 120) if is_rehearsal() else (CUSTOMERS, TERMINALS)
    orders = handbook_orders(122, HANDBOOK_START, 0, *size)
    title = "The handbook's customers and terminals"
    return Shop(title, orders, "UTC", warm_up_days=92, is_the_handbooks=True)


def sparkov_shop() -> Shop | None:
    """The orders of a third party's generator; None where the file is not beside the project."""
    if not SPARKOV.exists():
        return None
    table, _ = read_orders(SPARKOV, SPARKOV_MAPPING, bytes(32))
    if is_rehearsal():
        few_cards = table["card"].unique().slice(0, 15)
        table = table.filter(pc.is_in(table["card"], few_cards))
    table = normalise(table).append_column("merchant_id", pa.array([1] * table.num_rows))
    table = table.sort_by("event_at")
    return Shop("Sparkov's orders", table, "America/Sao_Paulo", warm_up_days=30)


def _us(column: pa.ChunkedArray) -> Ints:
    """Epoch microseconds, -1 for null."""
    return np.asarray(pc.fill_null(column.cast(pa.int64()), -1).to_numpy())
