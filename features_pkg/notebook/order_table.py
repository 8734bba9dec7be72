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
from features_pkg.history.events import Events, Values
from features_pkg.identifiers import Event, Identifier
from features_pkg.notebook.instants import instants_us


@dataclass(frozen=True, slots=True)
class Named:
    """Which orders name which entities of one identifier: order `row[i]` names `code[i]`.

    Codes are dense, below `entities`, and apart for each merchant. A row stands there once for
    each of its different values.
    """

    row: Ints
    code: Ints
    entities: int


class OrderTable:
    """The columns of orders that features need, by the names of the glossary.

    Raises:
        OrdersRefused: a missing column, a naive or missing instant, an order id that a merchant
            has twice, a chargeback before its order.
    """

    def __init__(self, columns: Mapping[str, pa.ChunkedArray]) -> None:
        self._columns = columns
        self.order_id = self.required("order_id")
        self.rows = len(self.order_id)
        self.at_us, _ = instants_us(self.required("event_at"), "event_at", nulls=False)
        self._merchant, self._merchants = _dense(_no_nulls(self.required("merchant_id")))
        self._refuse_repeated()
        if "chargeback_at" in columns:
            self._charged_back = self._chargebacks()
        self._named: dict[Identifier, Named] = {}

    def required(self, name: str) -> pa.ChunkedArray:
        """The column of this name."""
        if name not in self._columns:
            there = ", ".join(self._columns) or "nothing"
            raise OrdersRefused(f"is missing; of what is needed there is {there}", column=name)
        return self._columns[name]

    @cached_property
    def merchant(self) -> Ints:
        """The dense code of each row's merchant."""
        return self._merchant

    @cached_property
    def amount_cents(self) -> Ints:
        """The amounts; whole cents, none missing."""
        column = self.required("amount_cents")
        if len(column) and not pa.types.is_integer(column.type):
            raise OrdersRefused(
                f"is {column.type}: give whole cents as integers", column="amount_cents"
            )
        _refuse_nulls(column, "amount_cents")
        return np.asarray(column.cast(pa.int64()).to_numpy())

    @property
    def chargeback_us(self) -> tuple[Ints, Ints]:
        """The rows that were charged back, and the instants from when that was known."""
        self.required("chargeback_at")
        return self._charged_back

    def _chargebacks(self) -> tuple[Ints, Ints]:
        us, known = instants_us(self.required("chargeback_at"), "chargeback_at", nulls=True)
        early = np.flatnonzero(known & (us < self.at_us))
        if len(early):
            raise OrdersRefused(
                "the chargeback is before its order: correct either instant",
                column="chargeback_at",
                row=int(early[0]),
            )
        rows = np.flatnonzero(known)
        return rows, us[rows]

    def named(self, identifier: Identifier) -> Named:
        """The entities of `identifier` that the orders name; a column left out names none."""
        if identifier not in self._named:
            self._named[identifier] = self._code(identifier)
        return self._named[identifier]

    def events(
        self,
        identifier: Identifier,
        event: Event,
        targets: tuple[Identifier, ...],
        *,
        amounts: bool,
    ) -> Events:
        """The events of one kind for the entities of `identifier`."""
        named = self.named(identifier)
        rows, code, at_us = named.row, named.code, self.at_us
        if event is Event.CHARGEBACK:
            charged, charged_us = self.chargeback_us
            at_us = np.full(self.rows, -1, dtype=np.int64)
            at_us[charged] = charged_us
            mask = np.zeros(self.rows, dtype=np.bool_)
            mask[charged] = True
            rows, code = rows[mask[rows]], code[mask[rows]]
        return Events(
            entities=named.entities,
            entity=code,
            at_us=at_us[rows],
            amount_cents=self.amount_cents[rows] if amounts else np.zeros(0, np.int64),
            targets={target: self._values(rows, target) for target in targets},
        )

    def _values(self, rows: Ints, target: Identifier) -> Values:
        named = self.named(target)
        if target.several:
            event_of_row = np.full(self.rows, -1, dtype=np.int32)
            event_of_row[rows] = np.arange(len(rows))
            event = event_of_row[named.row]
            return Values(event[event >= 0], named.code[event >= 0])
        code_of_row = np.full(self.rows, -1, dtype=np.int32)
        code_of_row[named.row] = named.code
        code = code_of_row[rows]
        event = np.flatnonzero(code >= 0).astype(np.int32)
        return Values(event, code[event])

    def _code(self, identifier: Identifier) -> Named:
        column = self._columns.get(identifier)
        if column is None or column.null_count == len(column):
            return Named(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
        if pa.types.is_large_list(column.type):
            if not identifier.several:
                raise OrdersRefused("is a list: an order has one at most", column=str(identifier))
            array = column.combine_chunks()
            rows = pc.list_parent_indices(array).to_numpy().astype(np.int64)
            column = pc.list_flatten(array)
        else:
            rows = np.arange(self.rows)
        valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
        code, _ = _dense(column.filter(pa.array(valid)))
        rows = rows[valid]
        if self._merchants > 1:
            code = self._merchant[rows] * (code.max(initial=0) + 1) + code
            code = np.unique(code, return_inverse=True)[1]
        entities = int(code.max(initial=-1)) + 1
        if identifier.several and len(rows):
            pairs = np.unique(rows * max(entities, 1) + code)
            rows, code = pairs // entities, pairs % entities
        return Named(rows.astype(np.int32), code.astype(np.int32), entities)

    def _refuse_repeated(self) -> None:
        code, orders = _dense(_no_nulls(self.order_id, "order_id"))
        pairs = self._merchant * max(orders, 1) + code
        _, first = np.unique(pairs, return_index=True)
        if len(first) < self.rows:
            again = np.setdiff1d(np.arange(self.rows), first)[0]
            raise OrdersRefused(
                f"{self.order_id[int(again)].as_py()!r} stands there twice for its merchant: "
                "an order's id is its own",
                column="order_id",
                row=int(again),
            )


def _no_nulls(column: pa.ChunkedArray, name: str = "merchant_id") -> pa.ChunkedArray:
    _refuse_nulls(column, name)
    return column


def _refuse_nulls(column: pa.ChunkedArray, name: str) -> None:
    if column.null_count:
        row = int(np.flatnonzero(pc.is_null(column).to_numpy())[0])
        raise OrdersRefused("is null: every order has one", column=name, row=row)


def _dense(column: Any) -> tuple[Ints, int]:
    """Dense codes of a column without nulls, and how many different values there are."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    encoded = pc.dictionary_encode(column)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)
