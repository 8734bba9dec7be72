"""Histories of the parity tests as the rows that database, request and Spark would bring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import pyarrow as pa

from features_pkg import shuffle
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.one_order import DistantPast
from features_pkg.entity_keys import EntityKeys
from features_pkg.history.past_orders import PastOrder, events_of
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, Event
from features_pkg.orders.order import Order
from features_pkg.timelines.read import decode

FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
CALENDAR = Calendar(FEATURES.timezone)
KEYS = EntityKeys(b"a secret of the tests", FEATURES.timelines_id)
MERCHANTS = {"m1": 1, "m2": 2}


def order_rows(history: Iterable[PastOrder]) -> pa.Table:
    """`shuffle.ORDER_ROWS` of a history; an order's row number is its key."""
    return pa.Table.from_pylist([_row(order) for order in history], schema=shuffle.ORDER_ROWS)


def _row(order: PastOrder) -> dict[str, object]:
    scalars = {str(i): next(iter(order.values(i)), None) for i in IDENTIFIERS if not i.several}
    waited = order.chargeback_us is not None
    return {
        "order_pk": int(str(order.order_id)),
        "merchant_id": MERCHANTS[str(order.merchant)],
        "order_id": order.order_id,
        "event_us": order.at_us,
        "recorded_key": int(str(order.order_id)),
        "amount_cents": order.amount_cents,
        **scalars,
        "product": list(order.identifiers["product"]),
        "chargeback_us": [order.chargeback_us] if waited else None,
        "chargeback_key": [int(str(order.order_id))] if waited else None,
    }


def snapshot(
    history: Iterable[PastOrder], as_of: int, features: FeatureSet = FEATURES
) -> dict[bytes, bytes]:
    """The timelines of all that happened before the day `as_of`, by key."""
    found = snapshot_table(history, as_of, features)
    return dict(zip(found["entity"].to_pylist(), found["timeline"].to_pylist(), strict=True))


def snapshot_table(
    history: Iterable[PastOrder], as_of: int, features: FeatureSet = FEATURES
) -> pa.Table:
    """The snapshot (`shuffle.snapshot_schema`) of all that happened before the day `as_of`."""
    cutoff_us = CALENDAR.cutoff_us(as_of)
    before = [
        PastOrder(
            order.merchant,
            order.order_id,
            order.at_us,
            order.amount_cents,
            order.identifiers,
            order.chargeback_us if (order.chargeback_us or cutoff_us) < cutoff_us else None,
        )
        for order in history
        if order.at_us < cutoff_us
    ]
    if not before:
        return shuffle.snapshot_schema(features).empty_table()
    table = shuffle.explode(shuffle.keyed(order_rows(before), KEYS), features.timeline_targets)
    return shuffle.snapshot_timelines(table, features, CALENDAR)


def as_order(order: PastOrder) -> Order:
    """The order as the request brings it."""
    scalars = {
        str(i): next((str(v) for v in order.values(i)), None) for i in IDENTIFIERS if not i.several
    }
    products = tuple(str(v) for i in IDENTIFIERS if i.several for v in order.values(i))
    return Order(
        order_id=str(order.order_id), amount_cents=order.amount_cents, product=products, **scalars
    )


def distant_past(order: PastOrder, timelines: dict[bytes, bytes], as_of: int) -> DistantPast:
    """What a snapshot shows of the order's entities."""
    merchant = MERCHANTS[str(order.merchant)]
    named = [(str(i), str(v)) for i in IDENTIFIERS for v in order.values(i)]
    found = {}
    for identifier, value in [*named, (MERCHANT, "")]:
        content = timelines.get(KEYS.key(merchant, identifier, value))
        found[identifier, value] = None if content is None else decode(content)
    return DistantPast(as_of, found)


def recent(
    asker: PastOrder, history: Sequence[PastOrder], from_us: int, to_us: int
) -> list[RecentEvent]:
    """The events of the order's entities in `[from_us, to_us)`, its own left out."""
    return [
        RecentEvent(
            str(identifier), str(value), str(event), happened.at_us,
            happened.order.amount_cents,
            *(next((str(v) for v in happened.order.values(i)), None)
              for i in IDENTIFIERS if not i.several),
            product=[str(v) for i in IDENTIFIERS if i.several for v in happened.order.values(i)],
        )
        for event in Event
        for happened in events_of(event, history)
        if from_us <= happened.at_us < to_us
        and happened.order.merchant == asker.merchant
        and happened.order.order_id != asker.order_id
        for identifier in IDENTIFIERS
        for value in asker.values(identifier)
        if value in happened.order.values(identifier)
    ]  # fmt: skip
