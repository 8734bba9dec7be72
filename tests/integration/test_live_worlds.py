"""What serving answers is what training says that a live order saw, in many worlds of rows unseen.

Of each question the rows that its recent read saw are stored under merchants of its own, and the
service's own statement and evaluator answer it. What its load had is a snapshot of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from features_pkg.calendar import DAY_US
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import Event
from service.database import Database
from stores.postgres.connection import connect
from tests.integration.test_recent_worlds import EVALUATOR, Reported, Store, World
from tests.parity.live_worlds import LiveQuestion, LiveWorld, crowded_world, revealed_world
from tests.parity.rows import CALENDAR, FEATURES, as_order, distant_past, snapshot

SEEDS = (34, 47)
"""Worlds in which the recent read knew chargebacks from before the cutoff, and the load did not."""


@pytest.fixture(scope="module")
def store(module_database_url: str) -> Iterator[Store]:
    database = Database(module_database_url, statement_timeout=timedelta(minutes=1))
    with connect(module_database_url, application_name="tests", autocommit=True) as connection:
        yield Store(connection, database)
    database.close()


def served(store: Store, world: LiveWorld, question: LiveQuestion) -> list[float]:
    """The vector of a question, whose own order the service has just stored."""
    (asker,) = (o.order for o in world.orders if o.order.order_id == question.order_id)
    seen = [
        stored
        for stored in world.orders
        if question.saw(stored.key) or stored.order.order_id == question.order_id
    ]
    reported = [
        Reported(str(stored.order.order_id), at_us)
        for stored in seen
        for at_us in sorted({us for us, key in stored.chargebacks if question.saw(key)})
    ]
    recent = World(
        [stored.order for stored in seen], reported, asker,
        is_stored=True, stale_days=0, is_reported_first=False,
    )  # fmt: skip
    merchants = store.put(recent)
    from_us = min(question.at_us - DAY_US, CALENDAR.cutoff_us(question.as_of))
    found = store.read(recent, merchants[str(asker.merchant)], from_us, question.at_us)
    timelines = snapshot(list(in_load(world, question)), question.as_of)
    past = distant_past(asker, timelines, question.as_of)
    return EVALUATOR.vector(as_order(asker), question.at_us, past, found.events).values


def in_load(world: LiveWorld, question: LiveQuestion) -> Iterator[PastOrder]:
    """The orders of the load, each with the first chargeback that the load had; not its own."""
    for stored in world.orders:
        if stored.key < question.watermark and stored.order.order_id != question.order_id:
            charged_us = [us for us, key in stored.chargebacks if key < question.watermark]
            yield replace(stored.order, chargeback_us=min(charged_us, default=None))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_serving_answers_is_what_training_says_that_an_order_saw(
    store: Store, seed: int
) -> None:
    check(store, crowded_world(seed))


def test_a_chargeback_that_the_load_lacked_and_the_recent_read_knew_counts_for_no_age(
    store: Store,
) -> None:
    world = revealed_world()
    check(store, world)
    (question,) = world.questions
    (age,) = (v for v in FEATURES.velocities if v.name == "card_last_chargeback_age_seconds")

    assert (age.event, age.past) == (Event.CHARGEBACK, None)
    assert world.value(question, age) is None


def check(store: Store, world: LiveWorld) -> None:
    for question in world.questions:
        vector = served(store, world, question)
        for velocity, value in zip(FEATURES.velocities, vector, strict=False):
            said = world.value(question, velocity)
            assert (None if math.isnan(value) else value) == said, velocity.name
