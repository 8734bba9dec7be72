"""A table of orders that a data scientist gives, in the place of a training set."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features_pkg.array_types import Floats, Ints
from features_pkg.calendar import MICROSECOND
from features_pkg.definitions.derived import Derived, parse_feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Velocity
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.notebook.instants import instants_us
from features_pkg.notebook.order_table import OrderTable
from features_pkg.orders.columns.tables import arrow_columns, plain_columns
from features_pkg.orders.columns.text import text_array
from features_pkg.shuffle import ORDER_ROWS, keyed
from jobs.train.orders import LabelledOrders
from jobs.training_set.labels import LabelRule
from jobs.training_set.questions import questions_of
from ontem.lab.errors import TooFewOrders
from ontem.lab.order_view import KNOWN_LATER
from ontem.lab.past import by_own_times, whole
from ontem.lab.source import ChosenOrders, floats
from ontem.lab.values import PastOrders, by_rule

_NAMES: Final = (
    "order_id", "merchant_id", "event_at", "amount_cents", "chargeback_at", "placed_at",
    *IDENTIFIERS,
)  # fmt: skip
_KEY: Final = bytes(range(32))
"""Of entity keys that never leave this process."""


class GivenSource:
    """The orders of a table, each at its own instant; its features are computed when asked for.

    A label is as of the newest instant in the table. Raises OrdersRefused, TooFewOrders.
    """

    def __init__(self, orders: Any, feature_set: FeatureSet, maturity: timedelta) -> None:
        self.feature_set, self.maturity = feature_set, maturity
        plain = plain_columns(orders, _NAMES)
        table = OrderTable(plain)
        if not table.rows:
            raise TooFewOrders("the table has no order: give the orders of some months")
        self.name = f"{table.rows:,} orders that were given"
        self._own = arrow_columns(orders)
        self.columns: Sequence[str] = tuple(self._own)
        self._at_us = table.at_us
        self.later = {**KNOWN_LATER, **_later(self._own, self._at_us)}
        self._placed_us = _placed_us(plain, self._at_us)
        rows = _order_rows(table, plain)
        keys = EntityKeys(_KEY, feature_set.timelines_id)
        self._past = PastOrders(whole(keyed(rows, keys)))

    def some(self, most: int) -> tuple[ChosenOrders, Floats]:
        """Some orders by chance, the same ones each time."""
        count = len(self._at_us)
        rows = np.random.default_rng(0).permutation(count)[:most]
        rows.sort()
        return self._chosen(rows), self.existing(rows, self.feature_set.names)

    def labelled(self) -> LabelledOrders:
        """The orders that are old enough for a label. Raises TooFewOrders where there is none."""
        known = pc.max(pc.list_flatten(self._past.orders["chargeback_us"])).as_py()
        as_of_us = max(int(self._at_us.max(initial=0)), known or 0)
        rule = LabelRule(as_of_us, self.maturity // MICROSECOND)
        rows = questions_of(self._past.orders, by_rule(self.feature_set, rule))
        usable = rows["label"].is_valid().to_numpy() & (self._at_us <= as_of_us - rule.maturity_us)
        chosen = np.flatnonzero(usable)
        if not len(chosen):
            raise TooFewOrders(
                f"none of {self.name} is {self.maturity.days} days old (LABEL_MATURITY_DAYS), as a "
                "label takes: give a table of more days"
            )
        taken = rows.take(pa.array(chosen))
        orders = LabelledOrders(
            rows=chosen,
            order_pk=chosen,
            labels=taken["label"].to_numpy() == 1,
            asked_us=self._at_us[chosen],
            known_us=taken["label_known_at"].cast(pa.int64()).to_numpy(),
            days=taken["asked_day"].cast(pa.int32()).to_numpy().astype(np.int64),
            cards=pc.fill_null(taken["card_code"], 0).to_numpy(),
        )
        return orders.take(np.argsort(orders.asked_us, kind="stable"))

    def existing(self, rows: Ints, names: Sequence[str]) -> Floats:
        """Computed by the functions of training, as a candidate is."""
        features = [parse_feature(name) for name in names]
        derived = tuple(each for each in features if isinstance(each, Derived))
        velocities = [each for each in features if isinstance(each, Velocity)]
        velocities += [part for each in derived for part in each.velocities]
        of_names = FeatureSet(
            self.feature_set.timezone,
            self.feature_set.snapshot_lag,
            tuple(dict.fromkeys(velocities)),
            derived,
        )
        return floats(self._past.values(of_names, rows), names)

    def column(self, name: str, rows: Ints) -> NDArray[Any]:
        """A column of the table."""
        return np.asarray(self._own[name].to_numpy(zero_copy_only=False)[rows])

    def past(self, identifiers: Iterable[Identifier]) -> PastOrders:
        """All orders, with all of their entities."""
        return self._past

    def order_ids(self, order_pk: Ints) -> Mapping[int, str]:
        """The column of the table; a key is a row."""
        ids = self._past.rows["order_id"].take(pa.array(order_pk))
        return dict(zip(order_pk.tolist(), ids.to_pylist(), strict=True))

    def past_by_own_times(self, identifiers: Iterable[Identifier]) -> PastOrders:
        """An order is dated by the column `placed_at`, where it has one."""
        return self._own_past

    @cached_property
    def _own_past(self) -> PastOrders:
        return PastOrders(by_own_times(self._past.orders, self._placed_us))

    def _chosen(self, rows: Ints) -> ChosenOrders:
        return ChosenOrders(rows, self._at_us[rows], rows)


def _order_rows(table: OrderTable, plain: Mapping[str, pa.ChunkedArray]) -> pa.Table:
    """The orders as PostgreSQL would have them; an order's key is its row."""
    count = table.rows
    columns: dict[str, Any] = {
        "order_pk": pa.array(np.arange(count)),
        "merchant_id": pa.array(table.merchant),
        "order_id": text_array(table.order_id.combine_chunks(), "order_id"),
        "event_us": pa.array(table.at_us),
        "recorded_key": pa.array(np.zeros(count, np.int64)),
        "amount_cents": pa.array(table.amount_cents),
        **_chargebacks(table, plain),
    }
    for identifier in IDENTIFIERS:
        if identifier in plain:
            columns[identifier] = _values(plain[identifier].combine_chunks(), identifier)
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in ORDER_ROWS
    ]
    return pa.table(arrays, schema=ORDER_ROWS)


def _values(column: pa.Array, identifier: Identifier) -> pa.Array:
    """The texts of a column; of products a list for each order, also where it has one text."""
    if pa.types.is_large_list(column.type):
        return column
    texts = text_array(column, identifier)
    if not identifier.several:
        return texts
    ends = np.append(0, np.cumsum(texts.is_valid().to_numpy(zero_copy_only=False)))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), texts.drop_null())


def _chargebacks(
    table: OrderTable, plain: Mapping[str, pa.ChunkedArray]
) -> dict[str, pa.ListArray]:
    rows, known_us = table.chargeback_us if "chargeback_at" in plain else (np.zeros(0, int),) * 2
    starts = np.searchsorted(rows, np.arange(table.rows + 1))
    nothing = pa.array(starts[1:] == starts[:-1])
    offsets = pa.array(starts, pa.int32())
    return {
        "chargeback_us": pa.ListArray.from_arrays(offsets, pa.array(known_us), mask=nothing),
        "chargeback_key": pa.ListArray.from_arrays(
            offsets, pa.array(np.zeros(len(rows), np.int64)), mask=nothing
        ),
    }


def _placed_us(plain: Mapping[str, pa.ChunkedArray], at_us: Ints) -> Ints:
    if "placed_at" not in plain:
        return at_us
    placed_us, present = instants_us(plain["placed_at"], "placed_at", nulls=True)
    return np.where(present, placed_us, at_us)


def _later(columns: Mapping[str, pa.ChunkedArray], at_us: Ints) -> dict[str, str]:
    """The columns of times of which one is after its order: nobody knew it then."""
    found = {}
    for name, column in columns.items():
        if not pa.types.is_timestamp(column.type):
            continue
        us = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
        after = int((pc.fill_null(us, np.iinfo(np.int64).min).to_numpy() > at_us).sum())
        if after:
            found[name] = f"which is after the order for {after:,} of {len(at_us):,} orders"
    return found
