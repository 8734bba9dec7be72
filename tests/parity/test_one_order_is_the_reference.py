"""One request, with timelines and recent rows, answers what the reference answers."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg.calendar import DAY_US
from features_pkg.engines import reference
from features_pkg.engines.one_order import Evaluator
from features_pkg.history.past_orders import PastOrder
from tests.parity import worlds
from tests.parity.rows import (
    CALENDAR,
    FEATURES,
    as_order,
    distant_past,
    recent,
    snapshot,
)

EVALUATOR = Evaluator(FEATURES)


@given(history=worlds.orders(), which=st.integers(0, 100))
@settings(max_examples=150, deadline=None)
def test_one_order_is_the_reference(history: list[PastOrder], which: int) -> None:
    asker = history[which % len(history)]
    at_us = asker.at_us
    as_of = CALENDAR.due_day(at_us, FEATURES.snapshot_lag)
    from_us = min(at_us - DAY_US, CALENDAR.cutoff_us(as_of))

    vector = EVALUATOR.vector(
        as_order(asker),
        at_us,
        distant_past(asker, snapshot(history, as_of), as_of),
        recent(asker, history, from_us, at_us),
    )

    assert vector.missing == ()
    for velocity, found in zip(FEATURES.velocities, vector.values, strict=False):
        question = reference.Question(at_us, as_of)
        expected = reference.value(velocity, asker, question, history, CALENDAR)
        assert (None if math.isnan(found) else found) == expected, velocity.name


@given(history=worlds.orders(), days=st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_an_entity_without_new_events_keeps_its_bytes(history: list[PastOrder], days: int) -> None:
    last_us = max(max(order.at_us, order.chargeback_us or 0) for order in history)
    after_all = CALENDAR.day_of(last_us) + 1

    assert snapshot(history, after_all + days) == snapshot(history, after_all)


@given(history=worlds.orders(), days=st.integers(0, 120), which=st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_a_timeline_is_read_right_on_a_later_day(
    history: list[PastOrder], days: int, which: int
) -> None:
    asker = history[which % len(history)]
    last_us = max(max(order.at_us, order.chargeback_us or 0) for order in history)
    written, as_of = CALENDAR.day_of(last_us) + 1, CALENDAR.day_of(last_us) + 1 + days
    at_us = CALENDAR.cutoff_us(as_of) + 5 * 3_600_000_000
    later = PastOrder(asker.merchant, "1000", at_us, identifiers=asker.identifiers)

    vector = EVALUATOR.vector(
        as_order(later),
        at_us,
        distant_past(later, snapshot(history, written), as_of),
        recent(later, history, at_us - DAY_US, at_us),
    )

    for velocity, found in zip(FEATURES.velocities, vector.values, strict=False):
        expected = reference.value(
            velocity, later, reference.Question(at_us, as_of), history, CALENDAR
        )
        assert (None if math.isnan(found) else found) == expected, velocity.name
