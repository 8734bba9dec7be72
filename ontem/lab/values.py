"""Features of chosen orders, computed by the functions of a training set, without Spark."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import Identifier
from features_pkg.shuffle import (
    MerchantStarts,
    Pieces,
    answer_pieces,
    assemble,
    explode,
    merchant_starts,
    order_pieces,
)
from jobs.training_set.labels import LabelRule
from jobs.training_set.questions import TrainingQuestions, questions_of
from jobs.training_set.rows import without_missing
from ontem.lab.errors import OrdersNotExtracted

_MISSING: Final = pa.schema([("missing", pa.list_(pa.string()))])
_ALWAYS: Final = range(-(2**62), 2**62)
_NO_LABELS: Final = LabelRule(_ALWAYS.stop, 0)
"""Of orders whose labels nobody asks for here: a training set has them."""


def _as_they_are(orders: pa.Table) -> pa.Table:
    return orders


class PastOrders:
    """Orders and how they are asked: everything a value depends on.

    `rows` has all orders as they happened, with their entities. `complete` adds to some of them
    what came later: chargebacks, reversals, evaluations.
    """

    def __init__(
        self,
        rows: pa.Table,
        complete: Callable[[pa.Table], pa.Table] = _as_they_are,
        among: "PastOrders | None" = None,
    ) -> None:
        """Without `complete` they have all of it; `among` has the other orders of their shop."""
        self.rows, self._complete, self._among = rows, complete, among

    @cached_property
    def orders(self) -> pa.Table:
        """All of them, complete."""
        return self._complete(self.rows)

    @cached_property
    def starts(self) -> MerchantStarts:
        """When each merchant's history starts."""
        if self._among is not None:
            return self._among.starts
        rows = merchant_starts(self.rows).to_pylist()
        return MerchantStarts(tuple(row.values()) for row in rows)

    def near(self, order_pk: Ints, identifiers: Iterable[Identifier]) -> "PastOrders":
        """Those of these keys, and all that name an entity of one of them.

        Raises OrdersNotExtracted.
        """
        asked = np.isin(self.rows["order_pk"].to_numpy(), order_pk)
        if asked.sum() < len(order_pk):
            missing = len(order_pk) - int(asked.sum())
            raise OrdersNotExtracted(orders=len(order_pk), missing=missing)
        is_near = asked | _sharing(self.rows, asked, identifiers)
        return PastOrders(self._complete(self.rows.filter(pa.array(is_near))), among=self)

    def values(self, features: FeatureSet, order_pk: Ints) -> pa.Table:
        """The features of these orders, a row for each in the order of `order_pk`.

        Every value is what a training set would have for it: `explode`, `answer_pieces` and
        `assemble` are its own. Only the orders that name an entity of a chosen order are looked at.
        Raises OrdersNotExtracted.
        """
        looked_at = dict.fromkeys(identifier for identifier, _ in features.targets)
        rows = questions_of(self.near(order_pk, looked_at).rows, by_rule(features))
        chosen = pc.is_in(rows["order_pk"], pa.array(order_pk))
        rows = rows.set_column(
            rows.schema.get_field_index("asked_us"),
            "asked_us",
            pc.if_else(chosen, rows["asked_us"], pa.scalar(None, pa.int64())),
        )
        calendar = Calendar(features.timezone)
        own = order_pieces(rows, _MISSING, features, calendar, self.starts)
        pieces: list[Pieces] = []
        for identifier in looked_at:  # one after the other: the shuffle rows of all are many
            targets = {each: t for each, t in features.targets.items() if each[0] is identifier}
            pieces += answer_pieces(explode(rows, targets), features, calendar)
        table = without_missing(assemble(own, pieces, features, _MISSING), features)
        position = np.searchsorted(table["order_pk"].to_numpy(), order_pk)
        return table.take(pa.array(position))


def _sharing(orders: pa.Table, asked: Mask, identifiers: Iterable[Identifier]) -> Mask:
    """Which orders name an entity that one of the asked orders names."""
    shares = np.zeros(orders.num_rows, np.bool_)
    for identifier in identifiers:
        column = orders[identifier]
        if identifier.several:
            lists = column.combine_chunks()
            row = pc.list_parent_indices(lists).to_numpy()
            column = pc.list_flatten(lists)
            shares[row[_is_named(column, asked[row])]] = True
        else:
            shares |= _is_named(column, asked)
    return shares


def _is_named(column: pa.Array | pa.ChunkedArray, asked: Mask) -> Mask:
    """Which values are one of those in the rows that are asked."""
    named = pc.unique(column.filter(pa.array(asked)).drop_null())
    return np.asarray(pc.is_in(column, value_set=named))


def by_rule(features: FeatureSet, labels: LabelRule = _NO_LABELS) -> TrainingQuestions:
    """Each order asks when a training set would have it ask; which are asked is chosen later."""
    return TrainingQuestions(
        from_us=_ALWAYS.start,
        to_us=_ALWAYS.stop,
        timezone=features.timezone,
        lag=features.snapshot_lag,
        rule=labels,
        include_stale=True,
    )
