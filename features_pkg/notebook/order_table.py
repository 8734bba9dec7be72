"""Orders as arrays: what `point_in_time` takes, checked and coded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.errors import OrdersRefused
from features_pkg.history.events import Events, TargetValues
from features_pkg.identifiers import Event, Identifier
from features_pkg.notebook.instants import instants_us, refuse_first
from features_pkg.orders.columns.amount import column_cents
from features_pkg.orders.columns.order_id import order_ids
from features_pkg.orders.columns.text import text_array
from features_pkg.orders.fields.amount import PLAIN
from features_pkg.orders.fields.refusals import Refusals


@dataclass(frozen=True, slots=True)
class OrderEntities:
    """Which orders name which entities of one identifier: row `row[i]` names entity `code[i]`.

    Codes are dense, from 0 to `count - 1`; the same value at two merchants has two codes. An order
    of several products has an entry for each different one; an order without a value has none.
    """

    row: Ints
    code: Ints
    count: int


class OrderTable:
    """The columns of orders that features need, each under its name in the glossary.

    A table is checked once, when it is made; each identifier is coded when it is first needed.

    Raises:
        OrdersRefused: a missing column, a naive or missing instant, an order id that a merchant
            has twice, or a chargeback before its order.
    """

    def __init__(self, columns: Mapping[str, pa.ChunkedArray]) -> None:
        self._columns = columns
        self.order_id = self.required("order_id")
        self.rows = len(self.order_id)
        self.at_us, _ = instants_us(self.required("event_at"), "event_at", nulls=False)
        _refuse_nulls(self.required("merchant_id"), "merchant_id")
        self.merchant, self._merchant_count = _dense(_texts(columns["merchant_id"], "merchant_id"))
        self._refuse_repeated_ids()
        if "chargeback_at" in columns:
            self._charged_back = self._chargebacks()
        self._entities: dict[Identifier, OrderEntities] = {}

    def required(self, name: str) -> pa.ChunkedArray:
        """The column of this name."""
        if name not in self._columns:
            present = ", ".join(self._columns) or "none"
            raise OrdersRefused(
                f"is missing; of the columns that are needed, the table has {present}", column=name
            )
        return self._columns[name]

    @cached_property
    def amount_cents(self) -> Ints:
        """The amount of each order in whole cents."""
        refusals = Refusals(self.rows)
        cents = column_cents(self.required("amount_cents").combine_chunks(), PLAIN, refusals)
        refuse_first(refusals)
        # Summed in halves of 32 bits, neither of which can wrap.
        total = (int((cents >> 32).sum()) << 32) + int((cents & 0xFFFF_FFFF).sum())
        if total > np.iinfo(np.int64).max:
            raise OrdersRefused(
                f"its sum is above {np.iinfo(np.int64).max}, which no feature can hold: give fewer "
                "orders, or none with such amounts",
                column="amount_cents",
            )
        return cents

    @property
    def chargeback_us(self) -> tuple[Ints, Ints]:
        """The rows that were charged back, and from which instant on each chargeback was known."""
        self.required("chargeback_at")
        return self._charged_back

    def _chargebacks(self) -> tuple[Ints, Ints]:
        us, present = instants_us(self.required("chargeback_at"), "chargeback_at", nulls=True)
        early = np.flatnonzero(present & (us < self.at_us))
        if len(early):
            raise OrdersRefused(
                "the chargeback is before its order: correct either instant",
                column="chargeback_at",
                row=int(early[0]),
            )
        rows = np.flatnonzero(present)
        return rows, us[rows]

    def entities(self, identifier: Identifier) -> OrderEntities:
        """The entities of `identifier` that the orders name; none where the column is left out."""
        if identifier not in self._entities:
            self._entities[identifier] = self._code(identifier)
        return self._entities[identifier]

    def events(
        self,
        identifier: Identifier,
        event: Event,
        targets: tuple[Identifier, ...],
        *,
        amounts: bool,
    ) -> Events:
        """The events of one kind, one for each entity of `identifier` that its order names."""
        entities = self.entities(identifier)
        rows, code, at_us = entities.row, entities.code, self.at_us
        if event is Event.CHARGEBACK:
            charged, charged_us = self.chargeback_us
            at_us = np.full(self.rows, -1, dtype=np.int64)
            at_us[charged] = charged_us
            is_charged = np.zeros(self.rows, dtype=np.bool_)
            is_charged[charged] = True
            rows, code = rows[is_charged[rows]], code[is_charged[rows]]
        return Events(
            entities=entities.count,
            entity=code,
            at_us=at_us[rows],
            amount_cents=self.amount_cents[rows] if amounts else np.zeros(0, np.int64),
            targets={target: self._values(rows, target) for target in targets},
        )

    def _values(self, rows: Ints, target: Identifier) -> TargetValues:
        """The values of `target` that came with the events, where event i is of order `rows[i]`."""
        entities = self.entities(target)
        if target.several:
            # Each order has one event at most: only the entities of products repeat a row, and
            # products are not counted for a product. So an order's event can be looked up.
            event_of_row = np.full(self.rows, -1, dtype=np.int32)
            event_of_row[rows] = np.arange(len(rows))
            event = event_of_row[entities.row]
            return TargetValues(event[event >= 0], entities.code[event >= 0])
        # Each order has one value at most, so an event's value can be looked up; -1 is null.
        code_of_row = np.full(self.rows, -1, dtype=np.int32)
        code_of_row[entities.row] = entities.code
        code = code_of_row[rows]
        event = np.flatnonzero(code >= 0).astype(np.int32)
        return TargetValues(event, code[event])

    def _code(self, identifier: Identifier) -> OrderEntities:
        """The entities of a column, by dense codes that no two merchants share.

        `_dense` codes the values of the whole table: rows (shop a, x), (a, y), (b, x) get 0, 1, 0.
        `merchant * values + code` packs each pair into one number: 0, 1, 2. Of all such numbers
        only some occur; `np.unique` replaces each by its rank among them, which is dense again.
        """
        column = self._columns.get(identifier)
        if column is None or column.null_count == len(column):
            return OrderEntities(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
        rows, values = _rows_and_values(column, identifier)
        code, _ = _dense(values)
        if self._merchant_count > 1:
            code = self.merchant[rows] * (code.max(initial=0) + 1) + code
            code = np.unique(code, return_inverse=True)[1]
        count = int(code.max(initial=-1)) + 1
        if identifier.several and len(rows):
            # The same packing of (row, code) leaves each product of an order once, rows ascending.
            pairs = np.unique(rows * max(count, 1) + code)
            rows, code = pairs // count, pairs % count
        return OrderEntities(rows.astype(np.int32), code.astype(np.int32), count)

    def _refuse_repeated_ids(self) -> None:
        _refuse_nulls(self.order_id, "order_id")
        refusals = Refusals(self.rows)
        code, ids = _dense(order_ids(self.order_id.combine_chunks(), refusals))
        refuse_first(refusals)
        pairs = self.merchant * max(ids, 1) + code
        _, first_rows = np.unique(pairs, return_index=True)
        if len(first_rows) < self.rows:
            row = int(np.setdiff1d(np.arange(self.rows), first_rows)[0])
            raise OrdersRefused(
                f"{self.order_id[row].as_py()!r} appears twice at its merchant: "
                "give each order an id of its own",
                column="order_id",
                row=row,
            )


def _rows_and_values(column: pa.ChunkedArray, identifier: Identifier) -> tuple[Ints, Any]:
    """The texts of a column without nulls and, for each, the row that it is in; lists are flat."""
    if pa.types.is_large_list(column.type):
        if not identifier.several:
            raise OrdersRefused("is a list: an order has at most one", column=str(identifier))
        lists = column.combine_chunks()
        rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
        column = pc.list_flatten(lists)
    else:
        rows = np.arange(len(column))
    texts = _texts(column, identifier)
    valid = np.asarray(pc.is_valid(texts))
    return rows[valid], texts.filter(pa.array(valid))


def _texts(column: pa.ChunkedArray | pa.Array, name: str) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return text_array(whole, name)


def _refuse_nulls(column: pa.ChunkedArray, name: str) -> None:
    if column.null_count:
        row = int(np.flatnonzero(pc.is_null(column).to_numpy())[0])
        raise OrdersRefused("is null: every order has one", column=name, row=row)


def _dense(column: pa.Array) -> tuple[Ints, int]:
    """Dense codes of a column without nulls, and how many different values there are."""
    encoded = pc.dictionary_encode(column)
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)
