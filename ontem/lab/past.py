"""The extracted events as orders, each as training reads it in Spark."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.calendar import EPOCH_DAY
from features_pkg.definitions.order_features import NUMERIC_ORDER_FEATURES, VALUE_FEATURES
from features_pkg.identifiers import MERCHANT, Identifier
from features_pkg.shuffle import KEYED_ROWS
from jobs.extract.facts import Extractions
from jobs.extract.rows import CHARGEBACK, EVALUATION, ORDER, REVERSAL
from ontem.lab.event_files import OF_EVALUATIONS, rows_by_kind
from ontem.lab.values import PastOrders
from stores.offline.files import Files

_QUESTION_COLUMNS: Final = pa.schema(
    [
        ("evaluated_us", pa.int64()),
        ("load_as_of", pa.int32()),
        ("stale_days", pa.int32()),
        ("missing", pa.list_(pa.string())),
        ("visible", pa.list_(pa.int64())),
        ("reversal_us", pa.list_(pa.int64())),
    ]
)
OF_DERIVED: Final = tuple(name for name in NUMERIC_ORDER_FEATURES if name in VALUE_FEATURES)
"""The order features of values that a derived feature may be made of."""
_OF_ALL: Final = (
    "order_pk", "merchant_id", "event_at", "recorded_key", "amount_cents", *OF_EVALUATIONS,
    MERCHANT, *OF_DERIVED,
)  # fmt: skip
_NAMES: Final = ("order_pk", "order_id")
EVALUATION_COLUMNS: Final = (
    "evaluated_us", "load_as_of", "stale_days", "missing", "visible"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExtractedEvents:
    """What was extracted, of which a training set has read the rows below `watermark_key`."""

    files: Files
    extracted: Extractions
    watermark_key: int

    def past(self, identifiers: Iterable[Identifier]) -> PastOrders:
        """All orders, each with what `read_questions` of a training set gives, and `reversal_us`.

        Of the identifiers only those named are read. The columns of all others are null, and so are
        ids and the order features of which no derived feature is made: a training set has them.
        """
        rows = self._rows([*_OF_ALL, *(str(identifier) for identifier in identifiers)])
        of_kind = {kind: _numbered(found) for kind, found in rows.items()}
        return PastOrders(of_kind[ORDER], partial(_complete, of_kind, self.watermark_key))

    def order_ids(self) -> pa.Table:
        """The key and the id of each order."""
        return self._rows([*_NAMES, "recorded_key"])[ORDER].select(_NAMES)

    def _rows(self, columns: Sequence[str]) -> dict[str, pa.Table]:
        keys = [file.key for file in self.extracted.files]
        return rows_by_kind(self.files, keys, columns, self.watermark_key)


def _complete(of_kind: Mapping[str, pa.Table], watermark_key: int, orders: pa.Table) -> pa.Table:
    """Orders with their chargebacks, reversals and what their evaluations could see."""
    orders = _with_evaluations(orders, of_kind[EVALUATION], watermark_key)
    known = _lists(orders, of_kind[CHARGEBACK], ("event_us", "recorded_key"))
    orders = orders.append_column("chargeback_us", known[0])
    orders = orders.append_column("chargeback_key", known[1])
    (reversal_us,) = _lists(orders, of_kind[REVERSAL], ("event_us",))
    return whole(orders.append_column("reversal_us", reversal_us))


def _numbered(rows: pa.Table) -> pa.Table:
    """The rows with instants as epoch microseconds, and days as ordinals."""
    for name in ("event", "evaluated"):
        rows = rows.append_column(f"{name}_us", rows[f"{name}_at"].cast(pa.int64()))
    days = pc.add(rows["load_as_of"].cast(pa.int32()), pa.scalar(EPOCH_DAY, pa.int32()))
    return rows.set_column(rows.schema.get_field_index("load_as_of"), "load_as_of", days)


def _with_evaluations(orders: pa.Table, late: pa.Table, watermark_key: int) -> pa.Table:
    """Each order with the evaluation that was recorded below the watermark, wherever that is.

    The evaluations of all orders stand before the late ones; then each order takes the one it has,
    its own or a late one, or none. Mostly there are no late ones, and none is too young.
    """
    known = pc.fill_null(pc.less(orders["evaluation_key"], watermark_key), False)
    is_own = known.to_numpy()
    if not late.num_rows and is_own.sum() == orders.num_rows - orders["evaluated_us"].null_count:
        stale_days = pc.fill_null(orders["stale_days"], 0)
        position = orders.schema.get_field_index("stale_days")
        return orders.set_column(position, "stale_days", stale_days)
    found = pc.index_in(orders["order_pk"], value_set=late["order_pk"].combine_chunks())
    position = np.where(
        is_own,
        np.arange(orders.num_rows),
        orders.num_rows + pc.fill_null(found, -orders.num_rows - 1).to_numpy(),
    )
    chosen = pa.array(position, mask=position < 0)
    for name in EVALUATION_COLUMNS:
        both = pa.concat_arrays([*orders[name].chunks, *late[name].chunks])
        column = both.take(chosen)
        if name == "stale_days":
            column = pc.fill_null(column, 0)
        orders = orders.set_column(orders.schema.get_field_index(name), name, column)
    return orders


def _lists(orders: pa.Table, others: pa.Table, names: tuple[str, ...]) -> list[pa.Array]:
    """For each order the lists of what `others` say of it, by time; null where there is nothing."""
    # The few are hashed, not the many: first where in `orders` each of them is.
    different = pc.unique(others["order_pk"])
    number = pc.index_in(orders["order_pk"], value_set=different)
    rows = np.flatnonzero(number.is_valid().to_numpy())
    row_of = np.full(len(different), -1)
    row_of[number.drop_null().to_numpy()] = rows
    row = row_of[pc.index_in(others["order_pk"], value_set=different).to_numpy()]
    others = others.append_column("row", pa.array(row)).filter(pa.array(row >= 0))
    others = others.sort_by([(name, "ascending") for name in ("row", "event_us", "recorded_key")])
    starts = np.searchsorted(others["row"].to_numpy(), np.arange(orders.num_rows + 1))
    offsets = pa.array(starts, pa.int32())
    nothing = pa.array(starts[1:] == starts[:-1])
    return [
        pa.ListArray.from_arrays(offsets, others[name].combine_chunks(), mask=nothing)
        for name in names
    ]


def whole(orders: pa.Table) -> pa.Table:
    """The orders with all columns: null are identifiers that were not read, and evaluations."""
    for field in KEYED_ROWS:
        if field.name not in orders.column_names:
            orders = orders.append_column(field, pa.nulls(orders.num_rows, field.type))
    for field in _QUESTION_COLUMNS:
        if field.name not in orders.column_names:
            orders = orders.append_column(field, _unknown(field, orders.num_rows))
    names = (*KEYED_ROWS.names, *EVALUATION_COLUMNS, "reversal_us")
    return orders.select(list(names))


def _unknown(field: pa.Field, rows: int) -> pa.Array:
    if field.name == "stale_days":
        return pa.array(np.zeros(rows, np.int32))
    return pa.nulls(rows, field.type)


def by_own_times(orders: pa.Table, placed_us: Ints) -> pa.Table:
    """The same orders as a table of the merchant's own would tell them.

    Each order counts from when the merchant placed it, and asks then; its chargebacks are dated by
    their order; nothing is hidden, and no snapshot is old.
    """
    lists = orders["chargeback_us"].combine_chunks()
    owner = pc.list_parent_indices(lists)
    times = pa.ListArray.from_arrays(
        lists.offsets, pa.array(placed_us).take(owner), mask=pc.is_null(lists)
    )
    nothing = {name: pa.nulls(orders.num_rows, orders[name].type) for name in EVALUATION_COLUMNS}
    changed = nothing | {
        "event_us": pa.array(placed_us),
        "chargeback_us": times,
        "stale_days": pa.array(np.zeros(orders.num_rows, np.int32)),
    }
    for name, column in changed.items():
        orders = orders.set_column(orders.schema.get_field_index(name), name, column)
    return orders
