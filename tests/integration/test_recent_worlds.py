"""Random worlds in a real PostgreSQL: the recent read of one order is what the reference says.

Each world is stored under merchants of its own in one database. The statement is the service's, run
as the service runs it: prepared once, with a generic plan.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features_pkg.calendar import DAY_US
from features_pkg.engines import reference
from features_pkg.engines.one_order import Evaluator
from features_pkg.history.past_orders import PastOrder
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import SINGLE_VALUED
from service.database import Database
from service.deadline import Deadline
from service.recent import RecentRead, ask
from stores.postgres.connection import Connection, connect
from tests.parity import rows, worlds
from tests.parity.rows import CALENDAR, FEATURES, as_order, distant_past, snapshot

EVALUATOR = Evaluator(FEATURES)
HOUR_US = 3_600_000_000
names = map("loja {}".format, itertools.count(1))


@dataclass(frozen=True)
class Reported:
    """A chargeback, or its reversal, as it was reported of an order: perhaps before the order."""

    order_id: str
    at_us: int
    kind: str = "chargeback"


@dataclass(frozen=True)
class World:
    """Orders with their first chargebacks, all that was reported, and the order that asks."""

    history: list[PastOrder]
    reported: list[Reported]
    asker: PastOrder
    is_stored: bool
    stale_days: int
    is_reported_first: bool
    """Whether the chargebacks are stored before the orders."""

    @property
    def others(self) -> list[PastOrder]:
        return [order for order in self.history if order is not self.asker]


AGO_US = (0, 1, HOUR_US, 6 * HOUR_US, DAY_US - 1, DAY_US, DAY_US + 1, 3 * DAY_US, 3 * DAY_US)
"""How long before the order that asks: about the edges of its window."""


@st.composite
def some_worlds(draw: st.DrawFn) -> World:
    asker, *others = draw(worlds.orders())
    history = [asker, *(draw(near(order, asker.at_us)) for order in others)]
    reported = []
    for order in history:
        if order.chargeback_us is not None:
            reported += draw(reports_of(order, order.chargeback_us))
        elif draw(st.booleans()):
            reported.append(Reported(str(order.order_id), order.at_us + 1, "reversal"))
    is_stored, stale_days = draw(st.booleans()), draw(st.integers(0, 2))
    return World(history, reported, asker, is_stored, stale_days, draw(st.booleans()))


@st.composite
def near(draw: st.DrawFn, order: PastOrder, at_us: int) -> PastOrder:
    """The order about the edges of the window, charged back or not; half name only products."""
    placed_us = at_us - draw(st.sampled_from(AGO_US))
    charged_us = draw(st.sampled_from((None, placed_us, at_us, at_us - 1, at_us - HOUR_US)))
    identifiers = order.identifiers
    if draw(st.booleans()):
        identifiers = {i: values if i.several else () for i, values in identifiers.items()}
    if charged_us is not None:
        charged_us = max(charged_us, placed_us)
    return replace(order, at_us=placed_us, chargeback_us=charged_us, identifiers=identifiers)


@st.composite
def reports_of(draw: st.DrawFn, order: PastOrder, first_us: int) -> list[Reported]:
    """Reports of which the first counts from `first_us`: one before its order waits for it."""
    order_id = str(order.order_id)
    early = first_us == order.at_us and draw(st.booleans())
    found = [Reported(order_id, first_us - (3 * DAY_US if early else 0))]
    later = draw(st.none() | st.sampled_from((1, HOUR_US - 1, DAY_US)))
    if later is not None:
        found.append(Reported(order_id, first_us + later))
    if draw(st.booleans()):
        early_us = draw(st.sampled_from((0, HOUR_US)))  # reports may come in any order
        found.append(Reported(order_id, first_us - early_us, "reversal"))
    return draw(st.permutations(found))


class Store:
    """One database in which each world gets merchants of its own."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self.connection, self.database = connection, database

    def put(self, world: World) -> dict[str, int]:
        """The ids of the world's merchants, whose orders and chargebacks are stored."""
        merchants = {name: self._merchant() for name in ("m1", "m2")}
        with self.connection.pipeline():
            if world.is_reported_first:
                self._put_reports(world, merchants)
            for order in world.history if world.is_stored else world.others:
                self._put_order(order, merchants[str(order.merchant)])
            if not world.is_reported_first:
                self._put_reports(world, merchants)
        return merchants

    def _put_reports(self, world: World, merchants: dict[str, int]) -> None:
        merchant_of = {order.order_id: merchants[str(order.merchant)] for order in world.history}
        for reported in world.reported:
            at = worlds.instant(reported.at_us)
            self.connection.execute(
                "INSERT INTO chargebacks"
                " (merchant_id, order_id, kind, event_at, reported_at, import_id)"
                " VALUES (%s, %s, %s, %s, %s, 1)",
                (merchant_of[reported.order_id], reported.order_id, reported.kind, at, at),
            )

    def _merchant(self) -> int:
        statement = "INSERT INTO merchants (name) VALUES (%s) RETURNING merchant_id"
        row = self.connection.execute(statement, (next(names),)).fetchone()
        return int(str(row[0])) if row else 0

    def _put_order(self, order: PastOrder, merchant_id: int) -> None:
        stored = as_order(order)
        values = {name: getattr(stored, name) for name in SINGLE_VALUED} | {
            "merchant_id": merchant_id,
            "order_id": order.order_id,
            "event_at": worlds.instant(order.at_us),
            "amount_cents": order.amount_cents,
            "product": list(stored.product),
            "content_hash": hashlib.sha256(str(order).encode()).digest(),
        }
        columns = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(f"%({name})s" for name in values)
        self.connection.execute(
            f"WITH stored AS (INSERT INTO orders ({columns}, import_id) VALUES ({marks}, 1)"
            " RETURNING *) INSERT INTO order_products (merchant_id, product, event_at, order_pk)"
            " SELECT merchant_id, unnest(product), event_at, order_pk FROM stored".encode(),
            values,
        )

    def read(self, world: World, merchant_id: int, from_us: int, to_us: int) -> RecentRead:
        order = as_order(world.asker)
        deadline = Deadline.within(timedelta(minutes=1))
        with self.database.session() as session:
            return ask(
                session, merchant_id, order, from_us=from_us, to_us=to_us, deadline=deadline
            )()


@pytest.fixture(scope="module")
def store(module_database_url: str) -> Iterator[Store]:
    database = Database(module_database_url, statement_timeout=timedelta(minutes=1))
    with connect(module_database_url, application_name="tests", autocommit=True) as connection:
        yield Store(connection, database)
    database.close()


def comparable(events: list[RecentEvent]) -> list[str]:
    """The events in one order; an order's products are a set."""
    return sorted(json.dumps(e._replace(product=sorted(set(e.product or ())))) for e in events)


@given(world=some_worlds())
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_the_recent_read_of_an_order_is_what_the_reference_says(store: Store, world: World) -> None:
    asker = world.asker
    due_day = CALENDAR.due_day(asker.at_us, FEATURES.snapshot_lag)
    as_of = due_day - world.stale_days
    from_us = min(asker.at_us - DAY_US, CALENDAR.cutoff_us(as_of))
    merchants = store.put(world)

    found = store.read(world, merchants[str(asker.merchant)], from_us, asker.at_us)

    expected = rows.recent(asker, world.history, from_us, asker.at_us)
    assert comparable(list(found.events)) == comparable(expected)
    assert found.own_at_us == (asker.at_us if world.is_stored else None)
    past = distant_past(asker, snapshot(world.history, as_of), as_of)
    vector = EVALUATOR.vector(as_order(asker), asker.at_us, past, found.events)
    question = reference.Question(asker.at_us, as_of, due_day)
    for velocity, value in zip(FEATURES.velocities, vector.values, strict=False):
        right = reference.value(velocity, asker, question, world.history, CALENDAR)
        assert (None if math.isnan(value) else value) == right, velocity.name


@given(world=some_worlds(), before_us=st.sampled_from((0, 1, HOUR_US, DAY_US)))
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_a_window_holds_its_first_instant_and_not_its_last(
    store: Store, world: World, before_us: int
) -> None:
    """The edges lie on an event of the world, so that a tie with either is hit."""
    edge_us = world.history[0].at_us
    window = (edge_us - before_us, edge_us) if before_us else (edge_us, edge_us + 1)
    world = replace(world, is_stored=True)
    merchants = store.put(world)

    found = store.read(world, merchants[str(world.asker.merchant)], *window)

    assert comparable(list(found.events)) == comparable(
        rows.recent(world.asker, world.history, *window)
    )
