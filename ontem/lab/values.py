"""Features of chosen orders, computed by the functions of a training set, without Spark."""

from collections.abc import Iterable
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class PastOrders:
    """Orders (those of `ExtractedEvents`) and how they are asked: everything a value depends on."""

    orders: pa.Table
    starts: MerchantStarts = field(repr=False)

    @classmethod
    def of(cls, orders: pa.Table) -> "PastOrders":
        """The orders, with when each merchant's history starts."""
        rows = merchant_starts(orders).to_pylist()
        return cls(orders, MerchantStarts(tuple(row.values()) for row in rows))

    def values(self, features: FeatureSet, order_pk: Ints) -> pa.Table:
        """The features of these orders, a row for each in the order of `order_pk`.

        Every value is what a training set would have for it: `explode`, `answer_pieces` and
        `assemble` are its own. Only the orders that name an entity of a chosen order are looked at.
        Raises OrdersNotExtracted.
        """
        asked = np.isin(self.orders["order_pk"].to_numpy(), order_pk)
        if asked.sum() < len(order_pk):
            missing = len(order_pk) - int(asked.sum())
            raise OrdersNotExtracted(orders=len(order_pk), missing=missing)
        looked_at = dict.fromkeys(identifier for identifier, _ in features.targets)
        near = self.orders.filter(pa.array(asked | sharing(self.orders, asked, looked_at)))
        rows = questions_of(near, by_rule(features))
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


def sharing(orders: pa.Table, asked: Mask, identifiers: Iterable[Identifier]) -> Mask:
    """Which orders name an entity that one of the asked orders names."""
    shares = np.zeros(orders.num_rows, np.bool_)
    for identifier in identifiers:
        column = orders[identifier].combine_chunks()
        if identifier.several:
            row = pc.list_parent_indices(column).to_numpy()
            column = pc.list_flatten(column)
        else:
            row = np.arange(len(column))
        named = column.filter(pa.array(asked[row])).drop_null()
        hit = pc.is_in(column, value_set=pc.unique(named)).to_numpy(zero_copy_only=False)
        shares[row[hit]] = True
    return shares


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
