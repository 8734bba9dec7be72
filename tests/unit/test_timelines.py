"""The bytes of timelines: what they cost, what they hold, and which are refused."""

import numpy as np
import pytest

from features_pkg.calendar import DAY_US, Calendar
from features_pkg.errors import TimelineUnreadable
from features_pkg.fold.counts import counts_of
from features_pkg.fold.states import SingleEvents, fold, states_of
from features_pkg.history.events import TargetValues
from features_pkg.identifiers import Event, Identifier
from features_pkg.timelines.build import encode_all
from features_pkg.timelines.read import EventTimeline, decode

CALENDAR = Calendar("America/Sao_Paulo")
NOON = CALENDAR.cutoff_us(736855) + DAY_US // 2


def a_timeline(orders: dict[int, int], chargebacks: dict[int, int] | None = None) -> bytes:
    """Orders and chargebacks as instant and cents, each of them with a user of its own."""
    happened = {Event.ORDER: orders, Event.CHARGEBACK: chargebacks or {}}
    first, events = 0, {}
    for event, cents in happened.items():
        events[event] = _events(cents, first)
        first += len(cents)
    states = fold(states_of(events, first, CALENDAR), np.zeros(first, dtype=np.int64), 1)
    (content,) = encode_all(counts_of(states)).to_pylist()
    return bytes(content)


def _events(cents: dict[int, int], first: int) -> SingleEvents:
    rows = np.arange(len(cents))
    return SingleEvents(
        entity=first + rows,
        at_us=np.array(list(cents), dtype=np.int64),
        amount_cents=np.array(list(cents.values()), dtype=np.int64),
        targets={Identifier.USER: TargetValues(rows, rows)},
    )


def of(content: bytes, event: Event = Event.ORDER) -> EventTimeline:
    found = decode(content).of(event)
    assert found is not None
    return found


def test_an_entity_of_one_order_takes_some_twenty_bytes() -> None:
    assert len(a_timeline({NOON: 19_900})) == 20


def test_orders_and_chargebacks_are_apart() -> None:
    content = a_timeline({NOON: 100, NOON + DAY_US: 250}, {NOON + 2 * DAY_US: 100})
    due_day = 736855 + 3

    orders, chargebacks = of(content), of(content, Event.CHARGEBACK)
    assert [orders.count(due_day, n) for n in (1, 2, 3, None)] == [0, 1, 2, 2]
    assert [orders.amount_cents(due_day, n) for n in (2, 3, None)] == [250, 350, 350]
    assert (orders.first_us, orders.last_us) == (NOON, NOON + DAY_US)
    assert [chargebacks.count(due_day, n) for n in (1, None)] == [1, 1]
    assert chargebacks.first_us == chargebacks.last_us == NOON + 2 * DAY_US


def test_what_is_older_than_90_days_is_in_ever_alone() -> None:
    content = a_timeline({NOON: 100, NOON + 1: 40, NOON + 200 * DAY_US: 7})
    orders, due_day = of(content), 736855 + 201

    assert (orders.count(due_day, 90), orders.count(due_day, None)) == (1, 3)
    assert (orders.amount_cents(due_day, 90), orders.amount_cents(due_day, None)) == (7, 147)
    assert (orders.distinct(0, due_day, 90), orders.distinct(0, due_day, None)) == (1, 3)


@pytest.mark.parametrize(("days_before", "listed"), [(89, 2), (90, 1)])
def test_the_90_days_before_the_one_after_the_last_event_are_listed(
    days_before: int, listed: int
) -> None:
    orders = of(a_timeline({NOON: 100, NOON + days_before * DAY_US: 7}))
    due_day = 736855 + days_before + 1

    assert orders.count(due_day, 90) == orders.distinct(0, due_day, 90) == listed
    assert orders.count(due_day, None) == orders.distinct(0, due_day, None) == 2


def test_bytes_cut_short_or_too_long_are_refused() -> None:
    content = a_timeline({NOON: 100, NOON + 1: 40, NOON + DAY_US: 7}, {NOON + DAY_US: 40})

    for end in range(len(content)):
        with pytest.raises(TimelineUnreadable):
            decode(content[:end])
    with pytest.raises(TimelineUnreadable):
        decode(content + b"\0")
