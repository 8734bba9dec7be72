"""A past of which a part is held in arrays says what the reference says of all of it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.calendar import DAY_US
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines import reference
from features_pkg.engines.held_past import HeldPast
from features_pkg.engines.one_order import DistantPast, Evaluator
from features_pkg.history.held_events import NO_EVENTS, HeldEvents, LastSeen
from features_pkg.history.past_orders import PastOrder
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED, Event, Identifier
from tests.parity import rows, worlds
from tests.parity.rows import CALENDAR, FEATURES, as_order, distant_past, snapshot
from tests.parity.test_rules_can_fail import FEATURES as SHORT_FEATURES
from tests.parity.test_rules_can_fail import HISTORY

LONG = "a value of more than thirty bytes, of which a digest is held: "


def held(events: Iterable[RecentEvent]) -> HeldEvents:
    """The arrays of some events of one kind that named one entity."""
    found = list(events)
    last_seen = {}
    for target in IDENTIFIERS:
        last: dict[bytes, int] = {}
        for event in sorted(found, key=lambda each: each.at_us):
            value = getattr(event, target)
            for each in value if target.several else filter(None, [value]):
                last[str(each).encode()] = event.at_us
        last_seen[target] = LastSeen.of(list(last), ints(last.values()))
    cents = ints(event.amount_cents for event in found)
    return HeldEvents.of(ints(event.at_us for event in found), cents, last_seen)


def ints(values: Iterable[int]) -> np.ndarray:
    return np.fromiter(values, dtype=np.int64)


def in_parts(
    events: list[RecentEvent], part_of: list[int], from_us: int
) -> tuple[list[RecentEvent], dict[tuple[str, str, str], HeldEvents]]:
    """Events that come with the request, and those held: of parts 1 and 2, 2 being added to 1."""
    came = [event for event, part in zip(events, part_of, strict=True) if part == 0]
    parts = {}
    for key in sorted({event[:3] for event in events}):
        whole = NO_EVENTS
        for number in (1, 2):
            of_part = [
                event
                for event, part in zip(events, part_of, strict=True)
                if part == number and event[:3] == key
            ]
            whole = whole.plus(held(of_part), from_us)
        parts[key] = whole
    return came, parts


def renamed(order: PastOrder) -> PastOrder:
    """The order with cards whose values are long."""
    cards = tuple(LONG + str(value) for value in order.identifiers.get(IDENTIFIERS[7], ()))
    return PastOrder(
        order.merchant, order.order_id, order.at_us, order.amount_cents,
        {**order.identifiers, IDENTIFIERS[7]: cards}, order.chargeback_us,
    )  # fmt: skip


def assert_is_reference(
    features: FeatureSet, asker: PastOrder, history: list[PastOrder], draw_part: st.DataObject
) -> None:
    as_of = CALENDAR.due_day(asker.at_us, features.snapshot_lag)
    from_us = min(asker.at_us - DAY_US, CALENDAR.cutoff_us(as_of))
    # Arrays may reach further back than the request: what is before its windows does not count.
    events = rows.recent(asker, history, from_us - DAY_US, asker.at_us)
    size = len(events)
    part_of = draw_part.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    came, parts = in_parts(events, part_of, from_us)

    past = distant_past(asker, snapshot(history, as_of, features), as_of)
    vector = Evaluator(features).vector(as_order(asker), asker.at_us, past, came, parts)

    question = reference.Question(asker.at_us, as_of)
    for velocity, value in zip(features.velocities, vector.values, strict=False):
        right = reference.value(velocity, asker, question, history, CALENDAR)
        assert (None if math.isnan(value) else value) == right, velocity.name


@given(world=worlds.orders(), data=st.data())
def test_any_parts_of_the_past_are_the_reference(
    world: list[PastOrder], data: st.DataObject
) -> None:
    history = [renamed(order) for order in world]
    assert_is_reference(FEATURES, history[0], history, data)


@given(which=st.integers(0, len(HISTORY) - 1), data=st.data())
def test_each_rule_holds_for_any_parts_of_the_past(which: int, data: st.DataObject) -> None:
    """A small history that was made by hand: every line of it is there for one rule."""
    assert_is_reference(SHORT_FEATURES, HISTORY[which], list(HISTORY), data)


SMALL_EVENTS = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from((None, "a", "b", "c")), st.integers(0, 2)),
    max_size=12,
)
"""Instant, document, and part: several events of a value at each side of each edge."""


@given(drawn=SMALL_EVENTS, start_us=st.integers(0, 9))
def test_the_numbers_of_a_divided_past_are_those_of_the_whole(
    drawn: list[tuple[int, str | None, int]], start_us: int
) -> None:
    product = {None: (), "a": ("p",), "b": ("p", "q"), "c": ("r",)}
    events = [
        RecentEvent(
            "card", "c1", "order", at_us, 10**number,
            *(document if name == "document" else None for name in SINGLE_VALUED),
            product=product[document],
        )
        for number, (at_us, document, _) in enumerate(drawn)
    ]  # fmt: skip
    came, parts = in_parts(events, [part for _, _, part in drawn], start_us)
    past = HeldPast(parts.get(("card", "c1", "order"), NO_EVENTS), came, None)

    inside = [event for event in events if event.at_us >= start_us]
    assert past.count(start_us) == len(inside)
    assert past.amount_cents(start_us) == sum(event.amount_cents for event in inside)
    documents = {event.document for event in inside} - {None}
    assert past.distinct(Identifier.DOCUMENT, start_us) == len(documents)
    products = {each for event in inside for each in event.product or ()}
    assert past.distinct(Identifier.PRODUCT, start_us) == len(products)
    assert past.first_us(start_us) == min((event.at_us for event in inside), default=None)
    assert past.last_us(start_us) == max((event.at_us for event in inside), default=None)


@pytest.mark.parametrize("distant", [None, DistantPast(736_854, {})], ids=["all", "each entity"])
def test_what_is_missing_stays_null(distant: DistantPast | None) -> None:
    """Without the distant past the recent counts are known, and what needs both is null."""
    asker = HISTORY[0]
    events = rows.recent(asker, HISTORY, asker.at_us - DAY_US, asker.at_us)
    parts = in_parts(events, [1] * len(events), 0)[1]

    found = Evaluator(SHORT_FEATURES).vector(as_order(asker), asker.at_us, distant, [], parts)
    whole = Evaluator(SHORT_FEATURES).vector(as_order(asker), asker.at_us, distant, events)

    assert list(map(str, found.values)) == list(map(str, whole.values))
    assert found.missing == whole.missing
    assert any(value > 0 for value in found.values)


def test_events_that_are_too_old_leave_the_arrays() -> None:
    asker = HISTORY[0]
    events = rows.recent(asker, HISTORY, 0, asker.at_us)
    key = ("card", str(next(iter(asker.values(IDENTIFIERS[7])))), str(Event.ORDER))
    whole = held(event for event in events if event[:3] == key)
    from_us = int(whole.at_us[len(whole) // 2])

    left = whole.plus(NO_EVENTS, from_us)

    assert len(whole) > len(left) > 0
    assert left.at_us[0] == from_us
    assert left.nbytes < whole.nbytes
    assert left.last_seen[IDENTIFIERS[0]].at_us.min() >= from_us
